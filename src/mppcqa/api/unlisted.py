"""The answer to whom the server does not answer: its name stands in no `MPPCQA_HOSTS`."""

from __future__ import annotations

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponse
from django.http.request import split_domain_port
from django.utils.translation import gettext as _

from mppcqa.api.middleware import BELOW
from mppcqa.api.problems import problem
from mppcqa.web import problems

LONGEST = 100


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 as programs want it below ``/api/``, and as a page elsewhere."""
    if not isinstance(exception, DisallowedHost):
        return problems.bad_request(request, exception)
    said = request.META.get("HTTP_HOST", "")[:LONGEST]
    host = split_domain_port(said)[0] or said  # MPPCQA_HOSTS has no ports
    text = _(
        "This server does not answer to “%s”. Ask at an address that it has, or have its "
        "administrator name this one in MPPCQA_HOSTS and start it again."
    )
    if request.path.startswith(BELOW):
        return problem(400, text % host)
    return problems.problem(request, 400, _("Another address"), text % host)
