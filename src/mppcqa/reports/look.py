"""The institution's look of reports: whose a report takes, what is checked of it, its logo."""

from __future__ import annotations

import io
import logging
import re
import warnings
from dataclasses import dataclass
from typing import IO, Any

from django.db import transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from PIL import Image as Pictures

from mppcqa.refused import Refused
from mppcqa.reports.models import ReportLook
from mppcqa.store.keeping import discard, keeping
from mppcqa.store.reading import FileFault, whole_path

logger = logging.getLogger(__name__)
DEFAULT = 0
"""Number of the installation's default look; all others have that of their institute."""
MOST_BYTES, MOST_PIXELS, LEAST_PIXELS = 2 << 20, 16_000_000, 8
MOST_SIGNATURES, LONGEST_SIGNATURE = 4, 60
TEXT_CONTRAST, LINE_CONTRAST = 4.5, 3.0
"""Least contrast with white, of text and of lines: WCAG 2.1, 1.4.3 and 1.4.11."""
ENDINGS = {"PNG": ".png", "JPEG": ".jpg"}


class LookRefused(Refused):
    """Something of a look can't be taken; the message says why."""


@dataclass(frozen=True)
class Look:
    """What a report in one language is drawn with."""

    name: str = ""
    address: str = ""
    logo: bytes = b""
    """PNG or JPEG; empty where there is none."""
    sha256: str = ""
    """Of the logo."""
    colour: str = ""
    accent: str = ""
    signatures: tuple[str, ...] = ()
    closing: str = ""
    sections: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Kind of report, and its sections in order; a ``-`` stands before one that is left out."""

    @property
    def identity(self) -> dict[str, Any]:
        """What tells it from others, for what a report was made of; plain JSON."""
        found = {
            "name": self.name, "address": self.address, "logo": self.sha256,
            "colour": self.colour, "accent": self.accent,
            "signatures": list(self.signatures), "closing": self.closing,
            "sections": {kind: list(keys) for kind, keys in self.sections},
        }  # fmt: skip
        return {key: value for key, value in found.items() if value}


PLAIN = Look()


def look_of(institute: int | None) -> Look:
    """The look of an institute, or else the default one, or else `PLAIN`; current language."""
    keys = [str(DEFAULT)] if institute is None else [str(institute), str(DEFAULT)]
    there = {row.key: row for row in ReportLook.objects.filter(key__in=keys)}
    for key in keys:
        if key in there and (found := in_language(there[key], _logo(there[key]))) != PLAIN:
            return found
    return PLAIN


def look_about(row: Any) -> Look:
    """The look of what a report is about: of its owner, its sender or its institute."""
    for column in ("owner_id", "origin_id", "institute_id"):
        if hasattr(row, column):
            return look_of(getattr(row, column))
    return look_of(None)


def in_language(row: ReportLook, logo: bytes = b"", sha256: str | None = None) -> Look:
    """What a row says in the current language, with a logo."""
    language = "es" if (get_language() or "").startswith("es") else "en"
    return Look(
        name=row.name,
        address=row.address.replace("\r\n", "\n"),
        logo=logo,
        sha256=(row.sha256 if sha256 is None else sha256) if logo else "",
        colour=row.colour,
        accent=row.accent,
        signatures=tuple(titles_of(getattr(row, f"signatures_{language}"))),
        closing=getattr(row, f"closing_{language}").replace("\r\n", "\n"),
        sections=tuple((kind, tuple(keys)) for kind, keys in sorted(row.sections.items())),
    )


def titles_of(text: str) -> list[str]:
    """Titles of signature lines, one a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _logo(row: ReportLook) -> bytes:
    """A kept logo; a report is written without one that the store has lost, and says so."""
    if not row.file:
        return b""
    try:
        with whole_path(row, in_haste=True) as path:
            return path.read_bytes()
    except (FileFault, OSError) as error:
        logger.warning("the logo of %s is left out of a report: %s", row, error)
        return b""


def kept_logo(row: ReportLook) -> bytes:
    """The logo that a row has in the store, for a look before it is saved."""
    return _logo(row)


def check_logo(source: IO[bytes], size: int) -> bytes:
    """The bytes of a logo; raises `LookRefused` where they can't be one."""
    if not size:
        raise LookRefused(_("The file is empty."))
    if size > MOST_BYTES:
        raise LookRefused(
            _("The logo has %(there).1f MB; at most %(most)d MB are taken.")
            % {"there": size / (1 << 20), "most": MOST_BYTES >> 20}
        )
    source.seek(0)
    data = source.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pictures.DecompressionBombWarning)
            with Pictures.open(io.BytesIO(data)) as found:
                _check_picture(found)
                found.load()
    except (
        OSError, ValueError, SyntaxError, EOFError,
        Pictures.DecompressionBombError, Pictures.DecompressionBombWarning,
    ) as error:  # fmt: skip
        if isinstance(error, Refused):
            raise
        if isinstance(error, Pictures.DecompressionBombError | Pictures.DecompressionBombWarning):
            raise LookRefused(_too_large()) from None
        raise LookRefused(_("This is no picture that can be read: PNG or JPEG.")) from None
    return data


def _too_large() -> str:
    return _("The logo has more than %d million pixels.") % (MOST_PIXELS // 1_000_000)


def _check_picture(found: Pictures.Image) -> None:
    if found.format not in ENDINGS:
        raise LookRefused(
            _("A logo is PNG or JPEG; this is %s.") % (found.format or _("of another kind"))
        )
    if found.width * found.height > MOST_PIXELS:
        raise LookRefused(_too_large())
    if min(found.size) < LEAST_PIXELS:
        raise LookRefused(
            _("The logo has %(wide)d × %(high)d pixels: too few to be printed.")
            % {"wide": found.width, "high": found.height}
        )


def check_colour(text: str, least: float) -> str:
    """A colour as ``#rrggbb`` that stands out from white; raises `LookRefused`, with the ratio."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", text):
        raise LookRefused(_("Write a colour as #1d4f91."))
    ratio = contrast(text)
    if ratio < least:
        raise LookRefused(
            _("Too pale on white: the contrast is %(ratio).2f, at least %(least).1f is needed.")
            % {"ratio": int(ratio * 100) / 100, "least": least}
        )
    return text.lower()


def contrast(colour: str) -> float:
    """Contrast of ``#rrggbb`` with white, 1 to 21, as WCAG 2.1 has it."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return 1.05 / (luminance + 0.05)


def check_signatures(english: str, spanish: str) -> None:
    """Refuse (`LookRefused`) what is not up to four titles in both languages."""
    both = titles_of(english), titles_of(spanish)
    for titles in both:
        if len(titles) > MOST_SIGNATURES:
            raise LookRefused(_("There is room for %d signature lines.") % MOST_SIGNATURES)
        for one in titles:
            if len(one) > LONGEST_SIGNATURE:
                raise LookRefused(
                    _("“%(begin)s…” is longer than %(most)d characters.")
                    % {"begin": one[:20], "most": LONGEST_SIGNATURE}
                )
    if len(both[0]) != len(both[1]):
        raise LookRefused(_("Write as many signature lines in each language."))


def save_look(row: ReportLook, logo: bytes | None = None, *, remove: bool = False) -> ReportLook:
    """Save a look with another logo, if there is one; the file before goes once that is committed.

    Raises `mppcqa.store.keeping.StoreError` where the store did not keep the logo: then nothing
    is changed.
    """
    former = row.file.name
    if logo:
        with Pictures.open(io.BytesIO(logo)) as found:
            ending = ENDINGS[str(found.format)]
        with keeping(io.BytesIO(logo), "logos", ending) as kept, transaction.atomic():
            row.file, row.sha256 = kept.name, kept.sha256
            row.save()
            discard(former)
        return row
    with transaction.atomic():
        if remove:
            row.file, row.sha256 = "", ""
            discard(former)
        row.save()
    return row
