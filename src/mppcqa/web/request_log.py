"""Each request has a number, in its answer and in each line that the log has of it; and its line.

The line has no query and no body: what people type, codes and tokens among it, is in no log.
"""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from mppcqa.audit.source import request_number
from mppcqa.web.untold import untold

HEADER = "X-Request-ID"
GIVEN = re.compile(r"[A-Za-z0-9-]{8,64}")
UNTOLD = ("/static/", "/health/")
"""What monitors and browsers ask for all the time."""
logger = logging.getLogger("mppcqa.access")


class RequestLog:
    """The first of all: what comes behind it logs under the request's number."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        number = request.headers.get(HEADER, "") if settings.ALLAUTH_TRUSTED_PROXY_COUNT else ""
        if not GIVEN.fullmatch(number):
            number = secrets.token_hex(8)
        began, token = time.perf_counter(), request_number.set(number)
        try:
            response = self.get_response(request)
            response.headers[HEADER] = number
            if logger.isEnabledFor(logging.INFO) and not request.path.startswith(UNTOLD):
                _tell(request, response.status_code, time.perf_counter() - began)
            return response
        finally:
            request_number.reset(token)


def _tell(request: HttpRequest, status: int, seconds: float) -> None:
    token = getattr(request, "auth", None)  # a person's or a station's, below /api/
    user = getattr(token, "user", None) or getattr(request, "_cached_user", None)
    who = str(getattr(token, "station", "") or "-")
    if user is not None and user.is_authenticated:  # nobody is looked up for the log
        who = user.get_username()
    try:
        address = get_adapter().get_client_ip(request)
    except Exception:  # an address that none is
        address = request.META.get("REMOTE_ADDR", "")
    told = {
        "method": request.method, "path": untold(request.path, request), "status": status,
        "ms": round(1000 * seconds), "user": who, "address": address,
    }  # fmt: skip
    text = "%(method)s %(path)s %(status)s %(ms)s ms %(user)s %(address)s"
    logger.info(text, told, extra={"told": told})
