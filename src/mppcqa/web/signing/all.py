"""The page of all signatures, of all devices."""

from __future__ import annotations

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_http_methods

from mppcqa.web.listing.views import show_list
from mppcqa.web.signing.listing import SIGNATURES


@require_http_methods(["GET", "POST"])
def signature_list(request: HttpRequest) -> HttpResponseBase:
    """What was signed, and what waits for another person."""
    return show_list(request, SIGNATURES)
