"""What the computer of a station shows the server: made once, kept as a hash, ended by a date."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.refused import Refused
from mppcqa.runs.models import Station, StationToken

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PREFIX = "mppcqa-station-"
SHOWN = len(PREFIX) + 4
LONGEST_DAYS = 3650
NOTE_USE_EVERY = dt.timedelta(seconds=30)


class TokenRefused(Refused):
    """No token was made; the message says why."""


def make_token(
    station: Station, days: float, *, by: AbstractBaseUser | None = None, note: str = ""
) -> tuple[StationToken, str]:
    """A token for a station that ends after so many days: its row, and itself, to be shown once."""
    if not station.remote:
        text = _("%s is served by workers; mark first that its computer has an address and a token")
        raise TokenRefused(text % station)
    if not 0 < days <= LONGEST_DAYS:
        raise TokenRefused(_("A token lasts between a day and %d days.") % LONGEST_DAYS)
    token = PREFIX + secrets.token_urlsafe(32)
    row = StationToken.objects.create(
        station=station,
        sha256=_hash(token),
        begins=token[:SHOWN],
        note=note[:100],
        made_by_id=None if by is None else by.pk,
        ends_at=timezone.now() + dt.timedelta(days=days),
    )
    return row, token


def take_back(row: StationToken, *, by: AbstractBaseUser | None = None) -> bool:
    """From now on it opens nothing; False if it was taken back already."""
    rows = StationToken.objects.filter(pk=row.pk, revoked_at=None)
    person = None if by is None else by.pk
    return bool(rows.update(revoked_at=timezone.now(), revoked_by_id=person))


def find_token(token: str, address: str = "") -> StationToken | None:
    """The row of a token that counts, noting its use now and then; None for every other text."""
    rows = StationToken.objects.select_related("station__institute")
    # 256 bits by chance need no slow hash, and the look-up tells nothing of near misses.
    row = rows.filter(sha256=_hash(token)).first()
    if row is None or not row.counts or not row.station.remote:
        return None
    now = timezone.now()
    if row.used_at is None or abs(now - row.used_at) > NOTE_USE_EVERY:
        StationToken.objects.filter(pk=row.pk).update(used_at=now, used_from=address[:60])
    return row


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
