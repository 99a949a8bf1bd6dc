"""The card of a shipment with its bundles."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.views.decorators.http import require_http_methods

from mppcqa.bundles.models import Bundle
from mppcqa.inventory.models import Shipment
from mppcqa.inventory.scope import scope_of
from mppcqa.queue import submit
from mppcqa.queue.models import OPEN_STATES, Task, about_key
from mppcqa.web.access import allowed, person

LISTED = 20
MAKE = "bundles.make"


@require_http_methods(["GET", "POST"])
def shipment_bundles(request: HttpRequest, pk: int) -> HttpResponse:
    """The card of a shipment's bundles; posted to, another is written."""
    found = get_object_or_404(Shipment.objects.visible_to(request.user), pk=pk)
    bound = scope_of(request.user).bound  # a bundle has all devices of a shipment
    if request.method == "POST":
        if bound:
            raise PermissionDenied
        _write(request, found)
        card = bool(request.headers.get("HX-Request"))
        return redirect("shipment_bundles" if card else "shipment", found.pk)
    if bound or not request.user.has_perm("bundles.view_bundle"):
        return HttpResponse()
    tasks = Task.objects.filter(name=MAKE, **about_key(found))
    rows = Bundle.objects.filter(shipment=found).select_related("sender")
    context = {
        "shipment": found,
        "open": list(tasks.filter(state__in=OPEN_STATES).order_by("id")),
        "last": tasks.order_by("-id").first(),
        "rows": rows[:LISTED],
    }
    return render(request, "web/bundles/card.html", context)


@allowed("bundles.add_bundle")
def _write(request: HttpRequest, found: Shipment) -> None:
    submit(
        MAKE,
        {
            "shipment": found.pk,
            "run_files": "run_files" in request.POST,
            "certificates": "certificates" in request.POST,
            "language": get_language() or "",
        },
        by=person(request),
        about=found,
        # Pressed twice it is one bundle.
        key=f"{MAKE} {found.pk}",
    )
