"""Trays: the list, and the map of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.inventory.models import Tray
from mppcqa.web.listing.views import show_list
from mppcqa.web.trays.data import tray_picture
from mppcqa.web.trays.listing import TRAYS


@require_http_methods(["GET", "POST"])
def tray_list(request: HttpRequest) -> HttpResponseBase:
    """Trays by name."""
    return show_list(request, TRAYS, "web/trays/list.html")


@require_GET
def tray(request: HttpRequest, name: str) -> HttpResponse:
    """One tray as a map, coloured by ``?quantity=`` or by verdict."""
    rows = Tray.objects.visible_to(request.user)
    found = get_object_or_404(rows.select_related("lot", "location"), name=name)
    picture = tray_picture(found, request.GET.get("quantity", ""), request.user)
    context = {"tray": found, **picture}
    return render(request, "web/trays/tray.html", context)
