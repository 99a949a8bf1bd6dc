"""How much a person may bring by forms within a day."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from mppcqa.people.uploads import FREE_BYTES, charge
from mppcqa.web.problems import problem


class UploadQuota:
    """Before a view keeps anything of it; the API counts by its tokens."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, _view: Any, _arguments: Any, _named: Any
    ) -> HttpResponse | None:
        """The refusal, or None where it may come."""
        size = int(request.META.get("CONTENT_LENGTH") or 0)
        file = request.content_type == "multipart/form-data"
        if (size < FREE_BYTES and not file) or request.path.startswith("/api/"):
            return None  # nobody is looked up for it
        if not request.user.is_authenticated:
            return None
        found = charge(f"person {request.user.pk}", size, file=file)
        if found is None:
            return None
        answer = problem(request, 429, _("Too much for today"), found.text)
        answer["Retry-After"] = str(found.wait_s)
        return answer
