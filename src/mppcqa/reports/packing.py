"""The packing list of a shipment: what is in the box, to be ticked off where it is opened."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from reportlab.platypus import Spacer

import mppcqa
from mppcqa.inventory.models import Shipment
from mppcqa.public_address import PublicAddress
from mppcqa.reports.document import SMALL, WIDTH, build, paragraph
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import PLAIN, Look, look_about
from mppcqa.reports.pieces import facts_table, signature_lines, title_style
from mppcqa.reports.rows import Cell, Rows, broken, shares
from mppcqa.views.shipment import PackedDevice, ShipmentView, shipment_view

SQUARES, NUMBERS = 16.0, 30.0
"""Widths of the columns of squares to tick and of numbers [points]."""


def packing_list(shipment: Shipment, address: PublicAddress, paper: str = "A4") -> Written:
    """PDF of a shipment as it stands now, in the current language."""
    del address  # its page is for those who log in; the serials are what is scanned
    view = shipment_view(shipment.pk)
    if view is None:
        raise Shipment.DoesNotExist(_("The shipment is not there any more."))
    inputs = {
        "mppcqa": mppcqa.__version__,
        "devices": [one.serial for one in view.devices],
        "missing": [one.serial for one in view.devices if one.missing],
    }
    look = look_about(shipment)
    return Written(lay_out(view, paper, look), view.name, inputs | look_inputs(look))


def lay_out(view: ShipmentView, paper: str = "A4", look: Look = PLAIN) -> bytes:
    """PDF of a view."""
    title, route = _("Packing list"), f"{view.origin} → {view.destination}"
    story: list[Any] = [
        *letterhead(look),
        paragraph(title, SMALL),
        paragraph(route, title_style(route)),
        facts_table(view.facts, WIDTH),
        Spacer(1, 8),
    ]
    if view.devices:
        story.append(_devices(view))
    else:
        story.append(paragraph(_("There is nothing in the box.")))
    story += [
        *closing(look),
        Spacer(1, 14),
        signature_lines(_("Packed by, date"), _("Received by, date")),
    ]
    footer = _("Shipment %(number)d: %(name)s; mppcqa %(version)s") % {
        "number": view.pk,
        "name": view.name,
        "version": mppcqa.__version__,
    }
    title = f"{title} {view.pk}"
    return build(
        story, title=title, footer=footer, paper=paper, as_of=view.as_of, head=running(look, title)
    )


def _devices(view: ShipmentView) -> Rows:
    """A line a device, with an empty square for whoever opens the box."""
    heads = ("", "#", _("Device"), _("Type"), _("Tray (row, column)"), *view.stages)
    rows: list[list[Cell | str]] = [
        ["", str(number), _serial(one), one.kind, one.tray,
         *(Cell(text, state) for state, text in one.outcomes)]
        for number, one in enumerate(view.devices, 1)
    ]  # fmt: skip
    stages = [1.3] * len(view.stages)
    room = WIDTH - SQUARES - NUMBERS
    widths = [SQUARES, NUMBERS, *shares(2.4, 1.7, 1.9, *stages, whole=room)]
    return Rows(broken(heads, rows, widths), squares=True)


def _serial(one: PackedDevice) -> str:
    return f"{one.serial} ({_('missing on arrival')})" if one.missing else one.serial


KIND = ReportKind(
    "packing",
    gettext_lazy("Packing list"),
    "inventory.shipment",
    packing_list,
)
