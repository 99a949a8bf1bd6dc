"""The second factor of a person: a code of the phone beside the password, and codes on paper.

The phone's codes are RFC 6238's, computed by `cryptography`. A code counts once, whether it came
with a log-in or with a signature; so does each of the codes for the day on which the phone is lost.
"""

from __future__ import annotations

import base64
import hashlib
import logging
import secrets
import time
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import constant_time
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.people.models import BADGE_LETTERS, SecondFactor
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

log = logging.getLogger("mppcqa.people")

STEP_S = 30
STEPS_OFF = 1
"""A phone's clock may be wrong by so many steps, before and after."""
DIGITS = 6
PAPER_CODES = 10
RELEASING = (
    *("limits.add_signoff", "limits.add_waiver", "limits.change_limitset"),
    *("auth.change_user", "auth.add_user"),
)
"""Rights of who releases or administers: of them a second factor may be demanded."""


class NoSecondFactor(Refused):
    """None was made, changed or taken away; the message says why."""


def new_secret() -> str:
    """A secret for a phone: 160 bits, as phones take them."""
    return base64.b32encode(secrets.token_bytes(20)).decode()


def address_of(user: User, secret: str, issuer: str) -> str:
    """What a phone's program reads from the QR code."""
    return _totp(secret).get_provisioning_uri(user.get_username(), issuer)


def second_factor_of(user: Any) -> SecondFactor | None:
    """Of a person; None where there is none."""
    try:
        found = user.second_factor
    except (SecondFactor.DoesNotExist, AttributeError):
        return None
    return found if isinstance(found, SecondFactor) else None


def is_demanded_of(user: Any) -> bool:
    """Whether the settings want a second factor of this person."""
    if settings.MPPCQA_SECOND_FACTOR == "all":
        return True
    return settings.MPPCQA_SECOND_FACTOR == "roles" and any(
        user.has_perm(right) for right in RELEASING
    )


def begin(user: User, secret: str, code: str) -> list[str]:
    """Make the factor of a phone that shows the right code; gives the codes for paper, once."""
    step = _step_of(secret, code)
    if step is None:
        raise NoSecondFactor(
            Fault(
                _("The phone should show another code by now: look at its clock, and try again."),
                field="password_code",
            )
        )
    codes = _paper_codes()
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        if SecondFactor.objects.filter(user=user).exists():
            raise NoSecondFactor(_("There is a second factor already: take that one away first."))
        SecondFactor.objects.create(
            user=user,
            secret=_cipher().encrypt(secret.encode()).decode(),
            codes=[_digest(one) for one in codes],
            last_step=step,
        )
    log.warning("second factor of %s made", user)
    return codes


def new_paper_codes(user: User) -> list[str]:
    """Others in place of those on paper."""
    codes = _paper_codes()
    kept = [_digest(one) for one in codes]
    if not SecondFactor.objects.filter(user=user).update(codes=kept):
        raise NoSecondFactor(_("There is no second factor."))
    log.warning("codes on paper of %s made anew", user)
    return codes


def take_away(user: User, *, by: AbstractBaseUser | None) -> bool:
    """Whether there was one; from now on the password alone counts."""
    there, _rows = SecondFactor.objects.filter(user=user).delete()
    if there:
        log.warning("second factor of %s taken away by %s", user, by or "this program")
    return bool(there)


def is_right(user: Any, code: str) -> bool:
    """Whether it is a code of the person's phone or paper; it counts no more afterwards."""
    row = SecondFactor.objects.filter(user=user).first()
    if row is None:
        return False
    typed = "".join(letter for letter in code.upper() if letter.isalnum())
    if len(typed) == DIGITS and typed.isdecimal():
        return _take_step(row, typed)
    return _take_paper_code(row, typed)


def _take_step(row: SecondFactor, code: str) -> bool:
    try:
        secret = _cipher().decrypt(row.secret.encode()).decode()
    except InvalidToken:
        log.error("second factor of %s was made under another secret key of the server", row.user)
        return False
    step = _step_of(secret, code)
    if step is None:
        return False
    # Two who show the same code at once: one of them is late.
    rows = SecondFactor.objects.filter(pk=row.pk, last_step__lt=step)
    return bool(rows.update(last_step=step))


def _take_paper_code(row: SecondFactor, code: str) -> bool:
    digest = _digest(code)
    with transaction.atomic():
        locked = SecondFactor.objects.select_for_update().filter(pk=row.pk).first()
        if locked is None or digest not in locked.codes:
            return False
        locked.codes = [one for one in locked.codes if one != digest]
        locked.save(update_fields=["codes"])
    log.warning("a code on paper of %s was used, %d are left", row.user, len(locked.codes))
    return True


def _step_of(secret: str, code: str) -> int | None:
    """The step of time whose code it is, of those that are near."""
    now, found = int(time.time()) // STEP_S, None
    for step in range(now - STEPS_OFF, now + STEPS_OFF + 1):
        right = _totp(secret).generate(step * STEP_S)
        if constant_time.bytes_eq(right, code.strip().encode()):
            found = step
    return found


def _totp(secret: str) -> TOTP:
    # What phones' programs compute; nothing here rests on SHA-1 being free of collisions.
    return TOTP(base64.b32decode(secret), DIGITS, SHA1(), STEP_S)  # noqa: S303


def _cipher() -> Fernet:
    """Who reads the database alone has no phone of anybody."""
    key = hashlib.sha256(f"mppcqa.people.second:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _paper_codes() -> list[str]:
    made = []
    for _n in range(PAPER_CODES):
        letters = "".join(secrets.choice(BADGE_LETTERS) for _at in range(12))
        made.append("-".join(letters[at : at + 4] for at in range(0, 12, 4)))
    return made


def _digest(code: str) -> str:
    """Of 60 bits by chance: there is nothing to guess, and so nothing to make slow."""
    letters = "".join(letter for letter in code.upper() if letter.isalnum())
    return hashlib.sha256(letters.encode()).hexdigest()
