"""The file of labels that a form asks for, at its page or by the API."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from mppcqa.refused import Fault, Refused
from mppcqa.reports.labels.fitting import Fitted, Label, fit
from mppcqa.reports.labels.printers import ZPL, Printer, printers
from mppcqa.reports.labels.sheets import sheets, tape
from mppcqa.web.labels.about import MOST, Group, labels_of
from mppcqa.web.labels.form import ADDRESS, TAPE, LabelForm

logger = logging.getLogger(__name__)
NAMED = 3
"""Labels that a fault names."""
BYTES = "byte"


class LabelsRefused(Refused):
    """These labels are not printed."""


@dataclass(frozen=True)
class Written:
    """A file of labels."""

    data: bytes
    name: str = "labels.pdf"
    kind: str = "application/pdf"
    attached: bool = False
    """Whether a browser keeps it and does not show it."""


def labels_of_form(form: LabelForm, offered: list[Group], url: str) -> list[Label]:
    """Labels that were chosen; `url` is where others find the pages, empty where they don't."""
    # Below another's address our pages begin where the first one lies.
    below = url + reverse("home").rstrip("/") if url else ""
    chosen = [one for one in offered if one.key in form.cleaned_data["what"]]
    return labels_of(chosen, below if form.cleaned_data["says"] == ADDRESS else "")


def write(form: LabelForm, found: list[Label]) -> Written:
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
        return Written(tape(fitted, wide, high))
    return Written(sheets(fitted, form.sheet(), values["start"] or 1))


def answer(made: Written) -> HttpResponse:
    """The file as an answer."""
    response = HttpResponse(made.data, content_type=made.kind)
    told = content_disposition_header(made.attached, made.name)
    response.headers["Content-Disposition"] = str(told)
    return response


def _printed(printer: Printer, fitted: list[Fitted], wide: float, high: float, dpi: int) -> Written:
    try:
        data = printer.write(fitted, wide, high, dpi)
    except Exception as error:
        if printer is ZPL:
            raise
        # A printer of a package that fails is told as what it is.
        logger.exception("the label printer %s failed", printer.key)
        said = _("The labels could not be written: %s") % f"{type(error).__name__}: {error}"[:300]
        raise LabelsRefused(Fault(said, field="size")) from None
    return Written(data, f"labels.{printer.suffix}", printer.content_type, attached=True)


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
