"""Tokens of stations: what the computer of a station shows the server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from mppcqa.people import tokens
from mppcqa.people.tokens import TokenRefused, take_back
from mppcqa.runs.models import Station, StationToken

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

__all__ = ["find_token", "make_token", "take_back"]


def make_token(
    station: Station, days: float, *, by: AbstractBaseUser | None = None, note: str = ""
) -> tuple[StationToken, str]:
    """A token for a station that ends after so many days: its row, and itself, to be shown once."""
    if not station.remote:
        text = _("%s is served by workers; mark first that its computer has an address and a token")
        raise TokenRefused(text % station)
    return tokens.make(StationToken, days, by=by, note=note, station=station)


def find_token(token: str, address: str = "") -> StationToken | None:
    """The row of a token that counts, noting its use now and then; None for every other text."""
    row = tokens.find(StationToken.objects.select_related("station__institute"), token)
    if row is None or not row.station.remote:
        return None
    tokens.note_use(row, address)
    return row
