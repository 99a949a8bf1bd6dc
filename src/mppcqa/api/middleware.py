"""Answers below ``/api/`` as programs want them: problems instead of pages, and ETags."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.cache import get_conditional_response, patch_vary_headers, set_response_etag

from mppcqa.api.problems import problem

BELOW = "/api/"


class OwnAnswers:
    """A wrong method or an address that is none; and 304 for who has the answer already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def process_view(
        self, request: HttpRequest, view: object, arguments: object, named: object
    ) -> HttpResponse | None:
        """No text of a person has NUL in it, and no database or file system takes it."""
        if not request.path.startswith(BELOW):
            return None
        values = (one for _name, some in request.GET.lists() for one in some)
        texts = [request.path, *request.GET, *values]
        if any("\0" in text for text in texts):
            return problem(400, "The address has the character NUL in it: leave it out.")
        return None

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(BELOW):
            return response
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response["Allow"]
            text = f"{request.method} is not taken here; {allowed} is."
            return problem(405, text, headers={"Allow": allowed})
        if request.method == "GET" and response.status_code == 200 and not response.streaming:
            return _tagged(request, response)
        return response


def _tagged(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """The answer with the tag of its content, or 304 where `If-None-Match` has it."""
    set_response_etag(response)
    response.headers.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ["Authorization"])
    found = get_conditional_response(request, etag=response.headers.get("ETag"), response=response)
    return response if found is None else found
