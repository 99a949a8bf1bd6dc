"""What the audit says of changes that a request makes: who, from which address, where, why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from django.http import HttpRequest, HttpResponse

from mppcqa.audit.source import TERMINAL, Source, acting

REASONS = ("reason", "why")
"""Names of fields into which forms ask for a reason."""


class Acting:
    """Nothing is looked up for a request that changes nothing."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found: list[Source] = []
        with_form = False

        def asked() -> Source:
            nonlocal with_form
            # Until somebody is logged in, as in the log-in itself, it may change; and something may
            # be written before the form, which has the reason, is read.
            read = hasattr(request, "_post")
            if not found or found[0].who is None or read != with_form:
                found[:], with_form = [source_of(request)], read
            return found[0]

        with acting(asked):
            return self.get_response(request)


def source_of(request: HttpRequest) -> Source:
    """What a request says of who acts."""
    token: Any = getattr(request, "auth", None)  # a person's or a station's, below /api/
    user = getattr(token, "user", None) or getattr(request, "_cached_user", None)
    known = user is not None and user.is_authenticated  # who was not asked for did nothing
    try:
        address = get_adapter().get_client_ip(request)
    except Exception:  # an address that none is: the request goes on
        address = request.META.get("REMOTE_ADDR", "")
    name = user.get_username() if known and user else ""
    if not known and hasattr(token, "station"):
        name = str(token.station)
    why = ""
    if request.method == "POST" and request.content_type != "application/json":
        # Only where the form was read already: reading it here could take the body from a view.
        sent = getattr(request, "_post", None)
        why = next((sent[one] for one in REASONS if sent and sent.get(one)), "")
    place = address
    if terminal := request.META.get(TERMINAL):  # whose rights it has is not who sits there
        place = f"terminal of {terminal} on this computer:"
    return Source(
        who=user.pk if known and user else None,
        name=name,
        where=f"{place} {request.method} {request.path}",
        why=why,
    )
