"""Answers of Django itself below ``/api/``, as problems instead of pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from mppcqa.api.problems import problem

BELOW = "/api/"


class OwnAnswers:
    """A wrong method or an address that is none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not request.path.startswith(BELOW):
            return response
        if isinstance(response, HttpResponseNotAllowed):
            allowed = response["Allow"]
            text = f"{request.method} is not taken here; {allowed} is."
            return problem(405, text, headers={"Allow": allowed})
        return response
