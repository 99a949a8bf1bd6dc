"""What every answer carries: where its scripts, styles and requests may come from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, QueryDict
from django.utils.translation import gettext as _

from mppcqa.refused import Refused
from mppcqa.web.problems import bad_request, method_not_allowed, problem
from mppcqa.web.reading import NotTaken

# Scripts come from files of ours alone; so does the WebAssembly that reads codes in pictures, which
# browsers compile only where this is said. Styles come from files as well; what a script sets on an
# element is no style of a page. No page may load anything from another host.
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'wasm-unsafe-eval'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ContentSecurityPolicy:
    """Adds the header to each answer that has none of its own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class OwnPages:
    """Pages of ours where Django has an empty one or none: a wrong method, a text that none is."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        page = method_not_allowed(request)
        page.headers["Allow"] = response.headers["Allow"]
        return page

    def process_view(
        self, request: HttpRequest, view: object, arguments: object, named: dict[str, Any]
    ) -> HttpResponse | None:
        """No text of a person has NUL in it, and no database or file system takes it."""
        if request.path.startswith("/api/"):
            return None  # it answers in a way of its own
        sent = [request.path, *_texts(request.GET)]
        if request.method == "POST":
            sent += _texts(request.POST)
        if any("\0" in text for text in sent):
            return bad_request(request, ValueError("NUL"))
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """What `reading` does not take, and what an action refused where its page has no place."""
        if isinstance(error, NotTaken):
            return problem(request, 400, _("Not taken"), str(error))
        if isinstance(error, Refused):
            return problem(request, 409, _("Not done"), str(error))
        return None


def _texts(asked: QueryDict) -> list[str]:
    return [text for name, values in asked.lists() for text in (name, *values)]
