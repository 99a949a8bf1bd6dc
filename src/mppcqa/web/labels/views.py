"""Labels: choosing which and on what, and the file that is printed."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from mppcqa.refused import Refused
from mppcqa.reports.labels.sizes import SHEETS
from mppcqa.web.access import person
from mppcqa.web.devices.data import address_for_others
from mppcqa.web.faults import tell_form
from mppcqa.web.labels.about import Group, groups
from mppcqa.web.labels.form import SHORT, LabelForm
from mppcqa.web.labels.writing import answer, labels_of_form, write
from mppcqa.web.reading import sent

REMEMBER = "labels"
REMEMBERED = (
    *("size", "says", "width", "height", "rows", "columns", "left", "top", "gap_x", "gap_y"),
    *("paper", "dpi"),
)


@require_http_methods(["GET", "POST"])
def labels(request: HttpRequest) -> HttpResponse:
    """Labels for ``?devices=1,2``, ``?tray=1``, ``?station=1``, ``?shipment=1``, or of actions."""
    offered = groups(request.GET.dict(), person(request))
    address = address_for_others(request)
    typed = _as_last_time(request, offered) if "again" in request.POST else sent(request)
    form = LabelForm(offered, address.url, typed)
    if request.method == "POST" and form.is_valid():
        try:
            made = answer(write(form, labels_of_form(form, offered, address.url)))
            if "again" not in request.POST:
                kept = {name: request.POST[name] for name in REMEMBERED if name in request.POST}
                request.session[REMEMBER] = kept
            return made
        except Refused as error:
            tell_form(form, error)
    context = {"form": form, "warning": address.warning}
    return render(request, "web/labels/labels.html", context, status=422 if form.errors else 200)


def _as_last_time(request: HttpRequest, offered: list[Group]) -> dict[str, Any]:
    """What a person chose last, so that a label is one touch; at first the first sheet there is."""
    usual = {"size": next(iter(SHEETS)), "says": SHORT}
    chosen = [one.key for one in offered if one.chosen]
    return {**usual, **request.session.get(REMEMBER, {}), "what": chosen}
