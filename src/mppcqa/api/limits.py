"""How often a token may ask. Counted in each process, so that a request costs no write."""

from __future__ import annotations

from django.core.cache import caches
from django.http import HttpRequest
from ninja.throttling import SimpleRateThrottle


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
