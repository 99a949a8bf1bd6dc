"""What a program shows instead of a password: made once, kept as a hash, ended by a date.

Stations and persons have tokens of their own kind; this is what these kinds have in common.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LONGEST_DAYS = 3650
LETTERS_SHOWN = 4
NOTE_USE_EVERY = dt.timedelta(seconds=30)


class TokenRefused(Refused):
    """No token was made; the message says why."""


class KeptToken(models.Model):
    """A token without itself: its hash, until when it counts, when it was used."""

    PREFIX: ClassVar[str] = ""
    """How tokens of a kind begin, so that people see what they have."""

    sha256 = models.CharField(max_length=64, unique=True)
    begins = models.CharField(max_length=20)
    """Its first letters, by which people tell one from another."""
    note = models.CharField(max_length=100, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    ends_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_from = models.CharField(max_length=60, blank=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        abstract = True
        ordering: ClassVar = ["-id"]

    @classmethod
    def by_chance(cls) -> str:
        """What comes after the beginning: at least 128 bits that nobody guesses."""
        return secrets.token_urlsafe(32)

    @property
    def counts(self) -> bool:
        """Whether it opens the server now."""
        return self.revoked_at is None and self.ends_at > timezone.now()


Kept = TypeVar("Kept", bound=KeptToken)


def make(
    kind: type[Kept], days: float, *, by: AbstractBaseUser | None, note: str, **of: Any
) -> tuple[Kept, str]:
    """A token that ends after so many days: its row, and itself, to be shown once."""
    if not 0 < days <= LONGEST_DAYS:
        text = _("A token lasts between a day and %d days.") % LONGEST_DAYS
        raise TokenRefused([Fault(text, field="days")])
    token = kind.PREFIX + kind.by_chance()
    row = kind._default_manager.create(
        sha256=_hash(token),
        begins=token[: len(kind.PREFIX) + LETTERS_SHOWN],
        note=note[:100],
        made_by_id=None if by is None else by.pk,
        ends_at=timezone.now() + dt.timedelta(days=days),
        **of,
    )
    return row, token


def take_back(row: KeptToken, *, by: AbstractBaseUser | None = None) -> bool:
    """From now on it opens nothing; False if it was taken back already."""
    rows = type(row)._default_manager.filter(pk=row.pk, revoked_at=None)
    person = None if by is None else by.pk
    return bool(rows.update(revoked_at=timezone.now(), revoked_by_id=person))


def find(rows: models.QuerySet[Kept], token: str) -> Kept | None:
    """The row of a token that counts; None for every other text."""
    # 128 bits and more by chance need no slow hash, and the look-up tells nothing of near misses.
    row = rows.filter(sha256=_hash(token)).first()
    return row if row is not None and row.counts else None


def note_use(row: KeptToken, address: str) -> None:
    """Remember when and from where it was used last, now and then."""
    now = timezone.now()
    if row.used_at is None or abs(now - row.used_at) > NOTE_USE_EVERY:
        rows = type(row)._default_manager.filter(pk=row.pk)
        rows.update(used_at=now, used_from=address[:60])


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
