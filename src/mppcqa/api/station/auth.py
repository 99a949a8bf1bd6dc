"""The token of a station, in the header Authorization."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from mppcqa.runs.models import StationToken
from mppcqa.runs.station_tokens import find_token


class StationBearer(HttpBearer):
    """`request.auth` is the token's row, and with it the station."""

    def authenticate(self, request: HttpRequest, token: str) -> StationToken | None:
        """The row of a token that counts."""
        return find_token(token, request.META.get("REMOTE_ADDR", ""))
