"""Labels: choosing which and on what, and the file that is printed."""

from __future__ import annotations

import logging
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.refused import Fault, Refused
from mppcqa.reports.labels.fitting import Fitted, Label, fit
from mppcqa.reports.labels.printers import ZPL, Printer, printers
from mppcqa.reports.labels.sheets import sheets, tape
from mppcqa.reports.labels.sizes import SHEETS
from mppcqa.web.access import person
from mppcqa.web.devices.data import address_for_others
from mppcqa.web.faults import tell_form
from mppcqa.web.labels.about import MOST, Group, groups, labels_of
from mppcqa.web.labels.form import ADDRESS, SHORT, TAPE, LabelForm
from mppcqa.web.reading import sent

logger = logging.getLogger(__name__)
NAMED = 3
"""Labels that a fault names."""
BYTES = "byte"
REMEMBER = "labels"
REMEMBERED = (
    *("size", "says", "width", "height", "rows", "columns", "left", "top", "gap_x", "gap_y"),
    *("paper", "dpi"),
)


class LabelsRefused(Refused):
    """These labels are not printed."""


@require_http_methods(["GET", "POST"])
def labels(request: HttpRequest) -> HttpResponse:
    """Labels for ``?devices=1,2``, ``?tray=1``, ``?station=1``, ``?shipment=1``, or of actions."""
    offered = groups(request.GET.dict(), person(request))
    address = address_for_others(request)
    typed = _as_last_time(request, offered) if "again" in request.POST else sent(request)
    form = LabelForm(offered, address.url, typed)
    if request.method == "POST" and form.is_valid():
        # Below another's address our pages begin where the first one lies.
        url = address.url + reverse("home").rstrip("/") if address.url else ""
        chosen = [one for one in offered if one.key in form.cleaned_data["what"]]
        found = labels_of(chosen, url if form.cleaned_data["says"] == ADDRESS else "")
        try:
            made = _file(form, found)
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


def _file(form: LabelForm, found: list[Label]) -> HttpResponse:
    """The file that was asked for; a refusal where a label has no room or its code gets small."""
    values = form.cleaned_data
    if not found:
        raise LabelsRefused(Fault(_("There is nothing to print."), field="what"))
    if len(found) > MOST:
        raise LabelsRefused(Fault(_("At most %d labels at once.") % MOST, field="what"))
    printer = printers().get(values["size"])
    if printer or values["size"] == TAPE:
        wide, high = values["width"], values["height"]
    else:
        sheet = form.sheet()
        wide, high = sheet.width, sheet.height
    named: dict[str, Any] = {}
    if printer:
        named = {"dpi": values["dpi"], "mode": BYTES}
    try:
        fitted = [fit(one, wide, high, **named) for one in found]
    except Refused as error:
        raise LabelsRefused([Fault(one, field="size") for one in error.faults]) from None
    if not values["small_is_known"]:
        _check_codes(fitted)
    if printer:
        return _printed(printer, fitted, wide, high, values["dpi"])
    if values["size"] == TAPE:
        return _answer(tape(fitted, wide, high), "labels.pdf", "application/pdf")
    data = sheets(fitted, form.sheet(), values["start"] or 1)
    return _answer(data, "labels.pdf", "application/pdf")


def _printed(
    printer: Printer, fitted: list[Fitted], wide: float, high: float, dpi: int
) -> HttpResponse:
    try:
        data = printer.write(fitted, wide, high, dpi)
    except Exception as error:
        if printer is ZPL:
            raise
        # A printer of a package that fails is told as what it is.
        logger.exception("the label printer %s failed", printer.key)
        said = _("The labels could not be written: %s") % f"{type(error).__name__}: {error}"[:300]
        raise LabelsRefused(Fault(said, field="size")) from None
    return _answer(data, f"labels.{printer.suffix}", printer.content_type, attached=True)


def _check_codes(fitted: list[Fitted]) -> None:
    small = [one for one in fitted if one.too_small]
    if small:
        said = _(
            "The code gets too small for the label: %(names)s, modules of %(module).2f mm. Choose "
            "larger labels or codes that say less, or print them all the same."
        )
        names = ", ".join(one.label.name for one in small[:NAMED])
        names += ", …" if len(small) > NAMED else ""
        values = {"names": names, "module": min(one.module for one in small)}
        raise LabelsRefused(Fault(said % values, field="size"))


def _answer(data: bytes, name: str, kind: str, *, attached: bool = False) -> HttpResponse:
    response = HttpResponse(data, content_type=kind)
    response.headers["Content-Disposition"] = str(content_disposition_header(attached, name))
    return response
