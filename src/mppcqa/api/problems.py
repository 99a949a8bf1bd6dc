"""Refusals as ``application/problem+json`` (RFC 9457): what is wrong, where, and what to do."""

from __future__ import annotations

import errno
import json
import logging
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, Throttled, ValidationError

from mppcqa.queue.errors import AWAY
from mppcqa.refused import Refused
from mppcqa.runs.remote import NoSuchOrder
from mppcqa.store.reading import FileFault

logger = logging.getLogger(__name__)


class Faulty(Refused):
    """A request that asks for what there is not; nothing was done."""


FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def problem(
    status: int,
    detail: str,
    *,
    faults: Iterable[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """One refusal; each fault names its field where there is one, what is wrong and what to do."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if listed := list(faults):
        body["errors"] = listed
    return HttpResponse(
        json.dumps(body), status=status, content_type="application/problem+json", headers=headers
    )


def refused(error: Refused, status: int = 409) -> HttpResponse:
    """What an action refused."""
    faults = [
        {"field": fault.field, "message": str(fault)}
        | ({} if fault.row is None else {"row": fault.row})
        for fault in error.faults
    ]
    return problem(status, str(error), faults=faults)


def answer_with_problems(api: NinjaAPI) -> None:
    """Have an API answer every error as a problem."""

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        faults = [_fault(one) for one in error.errors]
        words = "; ".join(f"{one['field']}: {one['message']}" for one in faults)
        return problem(422, f"Not as the schema has it: {words}", faults=faults)

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        text = "Show a token that counts: Authorization: Bearer TOKEN. It may have ended, or have "
        text += "been taken back; a new one is made on the station's page, a person's at /tokens/."
        return problem(401, text, headers={"WWW-Authenticate": "Bearer"})

    @api.exception_handler(Throttled)
    def throttled(request: HttpRequest, error: Throttled) -> HttpResponse:
        if found := getattr(request, "upload_refused", None):
            return problem(429, found.text, headers={"Retry-After": str(found.wait_s)})
        wait_s = str(max(1, round(error.wait or 1)))
        text = f"Too many requests with this token; wait {wait_s} s."
        return problem(429, text, headers={"Retry-After": wait_s})

    @api.exception_handler(HttpError)
    def said(request: HttpRequest, error: HttpError) -> HttpResponse:
        return problem(error.status_code, error.message)

    @api.exception_handler(Refused)
    def not_done(request: HttpRequest, error: Refused) -> HttpResponse:
        kinds = ((NoSuchOrder, 404), (Faulty, 422), (Refused, 409))
        return refused(error, next(status for kind, status in kinds if isinstance(error, kind)))

    @api.exception_handler(FileFault)
    def not_whole(request: HttpRequest, error: FileFault) -> HttpResponse:
        return problem(410, str(error))

    @api.exception_handler(SuspiciousOperation)
    def doubtful(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:
        logger.warning("a request is refused: %r", str(error))
        return problem(400, "A name or address in the request is none that may be used.")

    @api.exception_handler(RequestDataTooBig)
    def too_big(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:
        return problem(413, "More than is taken in one request: send it in smaller pieces.")

    @api.exception_handler(UnreadablePostError)
    def cut_off(request: HttpRequest, error: UnreadablePostError) -> HttpResponse:
        return problem(400, "The request was cut off before its end.")

    @api.exception_handler(Exception)
    def broken(request: HttpRequest, error: Exception) -> HttpResponse:
        if isinstance(error, OSError) and error.errno in FULL:
            logger.error("no room for what a station brings: %s", error)
            text = "The server's disk is full. Keep what you have and try again later."
            return problem(507, text, headers={"Retry-After": "30"})
        if isinstance(error, AWAY):
            text = "The database does not answer. Try again later."
            return problem(503, text, headers={"Retry-After": "5"})
        logger.error("%s %s failed", request.method, request.path, exc_info=error)
        return problem(500, "An error of the server; its log says more. It is safe to try again.")


def _fault(error: Mapping[str, Any]) -> dict[str, str]:
    """Where in the request, and what; pydantic says what it wanted."""
    place = [str(part) for part in error.get("loc", ()) if part not in ("body", "payload", "said")]
    return {"field": ".".join(place) or "body", "message": str(error.get("msg", "not valid"))}
