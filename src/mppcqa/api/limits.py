"""How often a token may ask. Counted in each process, so that a request costs no write."""

from __future__ import annotations

from django.core.cache import caches
from django.http import HttpRequest
from ninja.throttling import BaseThrottle, SimpleRateThrottle

from mppcqa.api.asking import AT_HOME
from mppcqa.people.uploads import charge


class TokenRate(SimpleRateThrottle):
    """So many requests a token and process of the server, or an address where there is none."""

    scope = "token"

    def __init__(self, rate: str) -> None:
        super().__init__(rate)
        self.cache = caches["process"]

    def get_cache_key(self, request: HttpRequest) -> str:
        """By the token that was accepted."""
        token = getattr(request, "auth", None)
        who = token.pk if token is not None else self.get_ident(request)
        return f"api-rate-{type(token).__name__}-{who}"


def brings_file(request: HttpRequest) -> bool:
    """Whether the body is a file, or a piece of one, by its address: all else comes as JSON."""
    return request.method == "PUT" or request.path.endswith("/attachments")


class UploadQuota(BaseThrottle):
    """So many bytes a person or station and day. What a command of this home sends is no upload."""

    def allow_request(self, request: HttpRequest) -> bool:
        """Whether the body may be taken; else the request says why (`upload_refused`)."""
        token = getattr(request, "auth", None)
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        if token is None or not size or AT_HOME in request.META:
            return True
        station = getattr(token, "station_id", None)
        who = f"station {station}" if station else f"person {token.user_id}"
        found = charge(who, size, file=brings_file(request))
        request.upload_refused = found  # type: ignore[attr-defined]
        return found is None

    def wait(self) -> float | None:
        """It stands in the refusal: this object is of all requests."""
        return None
