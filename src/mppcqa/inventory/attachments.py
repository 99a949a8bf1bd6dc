"""Files that people attach to devices. What comes in is not trusted."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Attachment, Device
from mppcqa.refused import Refused
from mppcqa.store.keeping import discard, keeping

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MAX_BYTES = 50 << 20
MOST = 200
"""Attachments of one device."""
BEGINNINGS = {
    "pdf": (b"%PDF-",),
    "png": (b"\x89PNG\r\n\x1a\n",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF8",),
    "webp": (b"RIFF",),
    "xlsx": (b"PK\x03\x04",),
    "docx": (b"PK\x03\x04",),
    "zip": (b"PK\x03\x04",),
    "root": (b"root",),
    "csv": (),
    "txt": (),
    "json": (),
}
"""Endings that are taken, and how such a file begins; empty for texts."""


class AttachmentRefused(Refused):
    """The file was not kept; the message says why."""


def safe_name(name: str) -> str:
    """The last part of a name, without what could mean something to a program."""
    last = PurePosixPath(name.replace("\\", "/")).name
    clean = re.sub(r"[^\w. ()+-]", "_", last, flags=re.UNICODE).strip(". ")
    return clean[-150:] or "file"


def checked_file(file: UploadedFile[Any]) -> tuple[str, str]:
    """Name to show and ending of a file that may be kept; `AttachmentRefused` says why not."""
    name = safe_name(file.name or "")
    ending = name.rpartition(".")[2].lower() if "." in name else ""
    if ending not in BEGINNINGS:
        raise AttachmentRefused(
            _("Files of the kind “%(ending)s” are not taken; these are: %(kinds)s")
            % {"ending": ending or name, "kinds": ", ".join(BEGINNINGS)}
        )
    if not file.size:
        raise AttachmentRefused(_("The file is empty."))
    if file.size > MAX_BYTES:
        raise AttachmentRefused(_("The file has more than %d MB.") % (MAX_BYTES >> 20))
    start = file.read(4096)
    file.seek(0)
    beginnings = BEGINNINGS[ending]
    if (beginnings and not start.startswith(beginnings)) or (not beginnings and b"\x00" in start):
        raise AttachmentRefused(_("The content is not what the name says (%s).") % ending)
    return name, ending


def attach(
    device: Device, file: UploadedFile[Any], *, by: AbstractBaseUser | None = None
) -> Attachment:
    """Keep a file under a name of ours; the original one is only shown."""
    name, ending = checked_file(file)
    if device.attachments.count() >= MOST:
        raise AttachmentRefused(_("The device has %d attachments; remove some first.") % MOST)
    with keeping(file, "attachments", f".{ending}") as kept:
        return Attachment.objects.create(
            device=device,
            file=kept.name,
            sha256=kept.sha256,
            original_name=name,
            added_by_id=None if by is None else by.pk,
        )


PICTURES = ("jpg", "jpeg", "png")
"""Endings of what may be the photograph of a device."""


def is_picture(name: str) -> bool:
    """Whether a file of that name may be the photograph of a device."""
    return name.rpartition(".")[2].lower() in PICTURES


@transaction.atomic
def choose_photograph(row: Attachment) -> None:
    """Make a picture the photograph of its device, in place of the one that was."""
    if not is_picture(row.original_name):
        raise AttachmentRefused(_("A photograph is one of these: %s.") % ", ".join(PICTURES))
    mine = Attachment.objects.select_for_update().filter(device=row.device_id)
    mine.exclude(pk=row.pk).filter(photograph=True).update(photograph=False)
    mine.filter(pk=row.pk).update(photograph=True)


def remove_attachment(row: Attachment) -> None:
    """Remove an attachment, then its file."""
    name = row.file.name
    row.delete()
    discard(name)
