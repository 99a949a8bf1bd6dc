"""The pair of keys of this installation, and the public keys of others.

The private key is a file of its owner alone below MPPCQA_HOME. It is in no backup: who finds a
backup can't sign in our name, and who lost the key makes another and tells the partners.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.bundles.models import Installation, Key
from mppcqa.keyfile import is_fingerprint, make_key, public_of, read_key
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

CARD = "mppcqa-key"
NAME = 100


class KeyRefused(Refused):
    """Nothing was registered, revoked or signed; `faults` says why."""


def key_path() -> Path:
    """Where the private key lies."""
    return Path(settings.MPPCQA_HOME) / "keys" / "bundles"


def ours() -> Installation:
    """This installation; it gets its name beyond this database when that is first asked for."""
    found = Installation.objects.filter(is_ours=True).order_by("pk").first()
    if found is None:
        with transaction.atomic():
            found = Installation.objects.create(name=socket.gethostname()[:NAME], is_ours=True)
            first = Installation.objects.filter(is_ours=True).order_by("pk").first()
            if first is not None and first.pk != found.pk:  # another process was first
                found.delete()
                found = first
    return found


def rename_ours(name: str) -> Installation:
    """What partners see us called."""
    wanted = " ".join(name.split())[:NAME]
    if not wanted:
        raise KeyRefused([Fault(_("Give the name that partners know you by."), field="name")])
    mine = ours()
    mine.name = wanted
    mine.save(update_fields=["name"])
    return mine


def our_key() -> Ed25519PrivateKey:
    """The private key, made at its first use; `KeyRefused` where it is on another computer."""
    path, mine = key_path(), ours()
    known = set(
        Key.objects.filter(installation=mine, revoked_at=None).values_list("public", "host")
    )
    if not path.is_file():
        if known:
            hosts = ", ".join(sorted(host for _public, host in known))
            raise KeyRefused(
                _(
                    "The private key of this installation is not on this computer; it was made on "
                    "%s. Make the bundle there, or make another key (mppcqa bundle key --new) and "
                    "tell your partners."
                )
                % hosts
            )
        make_key(path)
    key = _read_key(path)
    public = public_of(key)
    if public not in {one for one, _host in known}:
        if Key.objects.filter(public=public).exists():
            raise KeyRefused(
                _("The private key here was revoked; make another: mppcqa bundle key --new")
            )
        if known:
            raise KeyRefused(
                _(
                    "The private key here is not the one that this database knows. Make another "
                    "(mppcqa bundle key --new) and tell your partners."
                )
            )
        Key.objects.create(installation=mine, public=public, host=socket.gethostname())
    return key


def new_key(*, by: AbstractBaseUser | None = None) -> Ed25519PrivateKey:
    """Make another pair; the former one is revoked and its private key is gone."""
    path = key_path()
    with transaction.atomic():
        Key.objects.filter(installation=ours(), revoked_at=None).update(
            revoked_at=timezone.now(), revoked_by=by and by.pk, revoked_why=_("replaced")
        )
        path.unlink(missing_ok=True)
        make_key(path)
        key = _read_key(path)
        public = public_of(key)
        Key.objects.create(installation=ours(), public=public, host=socket.gethostname())
    return key


def _read_key(path: Path) -> Ed25519PrivateKey:
    try:
        return read_key(path)
    except ValueError:
        raise KeyRefused(
            _("%s holds no key. Make another (mppcqa bundle key --new) and tell your partners.")
            % path
        ) from None


def card() -> str:
    """The line that a partner registers: what it is, our UUID, our public key, our name."""
    public = public_of(our_key())
    mine = ours()
    return f"{CARD} {mine.uuid} {public} {mine.name}"


def public_of_ours() -> str:
    """Our public key, as hexadecimal digits."""
    return public_of(our_key())


def register_key(
    line: str, told: str, *, name: str = "", by: AbstractBaseUser | None = None
) -> Key:
    """Take bundles that this key signs from now on.

    `line` is the partner's card (`card`), `told` the fingerprint as the partner said it by another
    way than the one by which the card came.
    """
    words = line.split(maxsplit=3)
    good = len(words) >= 3 and words[0] == CARD and bool(re.fullmatch("[0-9a-f]{64}", words[2]))
    try:
        uuid = UUID(words[1]) if good else None
        if good:
            Ed25519PublicKey.from_public_bytes(bytes.fromhex(words[2]))
    except ValueError:
        uuid = None
    if uuid is None:
        text = _("This is no line of a partner's key. It begins with %s: ask for it again.")
        raise KeyRefused([Fault(text % CARD, field="line")])
    public, called = words[2], (name.strip() or (words[3:] or [""])[0].strip())[:NAME]
    faults = []
    if not is_fingerprint(told, public):
        text = _(
            "The fingerprint is not that of this line. Have the partner read it to you, by "
            "telephone: if it still differs, somebody changed the line on its way."
        )
        faults.append(Fault(text, field="told"))
    if not called:
        faults.append(Fault(_("Give the partner a name."), field="name"))
    if uuid == ours().uuid:
        faults.append(
            Fault(_("This is your own line; register that of the partner."), field="line")
        )
    known = Key.objects.filter(public=public).select_related("installation").first()
    if known is not None:
        text = (
            _("This key was revoked (%s). Ask the partner for a new one.") % known.revoked_why
            if known.revoked_at
            else _("This key is registered already, for %s.") % known.installation
        )
        faults.append(Fault(text, field="line"))
    if faults:
        raise KeyRefused(faults)
    with transaction.atomic():
        partner, _made = Installation.objects.get_or_create(uuid=uuid, defaults={"name": called})
        if partner.name != called:
            partner.name = called
            partner.save(update_fields=["name"])
        return Key.objects.create(
            installation=partner, public=public, registered_by_id=None if by is None else by.pk
        )


def revoke_key(key: Key, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Take nothing more that a key signs; what came in before stays."""
    if not why.strip():
        raise KeyRefused([Fault(_("Say why the key is revoked."), field="why")])
    done = Key.objects.filter(pk=key.pk, revoked_at=None).update(
        revoked_at=timezone.now(),
        revoked_by=None if by is None else by.pk,
        revoked_why=why.strip()[:300],
    )
    if not done:
        raise KeyRefused(_("This key was revoked already."))
