"""Trays: the list, and the map of one."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from mppcqa.inventory.models import Tray
from mppcqa.web.paging import keyset_page
from mppcqa.web.tray_data import tray_picture


@require_GET
def tray_list(request: HttpRequest) -> HttpResponse:
    """Trays by name."""
    page = keyset_page(
        Tray.objects.all(),
        request.GET,
        key="name",
        show=lambda rows: rows.select_related("lot", "location"),
    )
    return render(request, "web/tray_list.html", {"page": page})


@require_GET
def tray(request: HttpRequest, name: str) -> HttpResponse:
    """One tray as a map, coloured by ``?quantity=`` or by verdict."""
    found = get_object_or_404(Tray.objects.select_related("lot", "location"), name=name)
    context = {"tray": found, **tray_picture(found, request.GET.get("quantity", ""))}
    return render(request, "web/tray.html", context)
