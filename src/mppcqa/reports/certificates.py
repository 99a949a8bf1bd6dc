"""Certificates of many devices in one file: contents that lead to each, then a page a device.

The pages are written one after the other, so that a file of thousands needs no more memory than
what it will be itself.
"""

from __future__ import annotations

import datetime as dt
import io
import math
from collections.abc import Callable, Sequence
from typing import IO, Any

from django.conf import settings
from django.db.models import QuerySet
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame

import mppcqa
from mppcqa.charts.paper.lettering import BOLD, FONT, printable, width_of, write
from mppcqa.inventory.models import Device
from mppcqa.public_address import PublicAddress
from mppcqa.reports.archival import About, describe
from mppcqa.reports.certificate import story_of
from mppcqa.reports.document import (
    BOTTOM,
    FOOT,
    HEIGHTS,
    INK,
    LINE,
    PADDING,
    PAPERS,
    PRINTED,
    QUIET,
    RUNNING,
    SMALLEST,
    WIDTH,
    shortened,
)
from mppcqa.reports.inputs import inputs_of, look_inputs, newest
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.letterhead import running
from mppcqa.reports.look import PLAIN, Look, look_about, look_of
from mppcqa.reports.streamed import Packed, write_out
from mppcqa.views.device import device_view
from mppcqa.views.group import BEGINNING, members

ACROSS, LEAD = 2, 11.0
"""Columns of the contents, and from one of their lines to the next [points]."""
TITLED = 40.0
"""Height of the contents' own title [points]."""


class Bundle:
    """A file of certificates that grows by pages."""

    def __init__(self, name: str, serials: Sequence[str], paper: str, look: Look = PLAIN) -> None:
        self.name, self.serials, self.paper = name, serials, paper
        self.lines = int((HEIGHTS[paper] - TITLED) / LEAD)
        self.contents = max(1, math.ceil(len(serials) / (self.lines * ACROSS)))
        self.size = PAPERS[paper]
        self.left = (self.size[0] - WIDTH) / 2
        self.title = _("Certificates: %s") % name
        self.head = running(look, self.title)
        self.canvas = Canvas(
            io.BytesIO(), pagesize=self.size, initialFontName=FONT, invariant=1, pageCompression=1
        )
        self.packed = Packed()
        self._list()

    def add(self, story: list[Any], serial: str) -> None:
        """A page with a certificate."""
        canvas = self.canvas
        canvas.bookmarkPage(f"device-{canvas.getPageNumber() - self.contents}")
        canvas.addOutlineEntry(
            printable(serial), f"device-{canvas.getPageNumber() - self.contents}"
        )
        frame = Frame(
            self.left - PADDING, BOTTOM - PADDING, WIDTH + 2 * PADDING,
            HEIGHTS[self.paper] + 2 * PADDING,
        )  # fmt: skip
        frame.addFromList(story, canvas)
        if story:
            raise RuntimeError(f"the certificate of {serial} does not fit on its page")
        self._end_page()

    def finished(self, as_of: dt.datetime) -> IO[bytes]:
        """The whole file, which goes when it is closed."""
        language = get_language() or settings.LANGUAGE_CODE
        describe(self.canvas, About(self.title, self.title, language, as_of, mppcqa.__version__))
        try:
            return write_out(self.canvas)
        finally:
            self.packed.close()

    def _list(self) -> None:
        """The contents: serials with their pages."""
        page = self.lines * ACROSS
        wide = WIDTH / ACROSS - 14
        for first in range(0, max(len(self.serials), 1), page):
            top = BOTTOM + HEIGHTS[self.paper]
            self.canvas.setFillColor(INK)
            text = shortened(printable(self.title), WIDTH, 11)
            write(self.canvas, self.left, top - 14, text, 11, font=BOLD)
            for n, serial in enumerate(self.serials[first : first + page], first):
                column, line = divmod(n - first, self.lines)
                x = self.left + column * WIDTH / ACROSS
                y = top - TITLED - line * LEAD
                self._entry(x, y, wide, n, serial)
            self._end_page()

    def _entry(self, x: float, y: float, wide: float, n: int, serial: str) -> None:
        canvas = self.canvas
        canvas.setFillColor(INK)
        page = str(self.contents + 1 + n)
        taken = width_of(page, 7)
        end = x + write(canvas, x, y, shortened(printable(serial), wide - taken - 14, 7), 7)
        write(canvas, x + wide, y, page, 7, anchor=1.0)
        canvas.setStrokeColor(LINE)
        canvas.setLineWidth(0.6)
        canvas.setDash([0.6, 2.4])
        if x + wide - taken - 4 > end + 4:
            canvas.line(end + 4, y + 1.5, x + wide - taken - 4, y + 1.5)
        canvas.setDash()
        place = (x, y - 2, x + wide, y + 8)
        canvas.linkRect("", f"device-{n + 1}", place, relative=0, thickness=0, F=PRINTED)

    def _end_page(self) -> None:
        canvas, number = self.canvas, self.canvas.getPageNumber()
        canvas.setFillColor(QUIET)
        whole = self.contents + len(self.serials)
        page = _("page %(n)d of %(all)d") % {"n": number, "all": whole}
        taken = write(canvas, self.left + WIDTH, FOOT, printable(page), SMALLEST, anchor=1.0)
        footer = f"{self.title}; mppcqa {mppcqa.__version__}"
        room = WIDTH - taken - 12
        write(canvas, self.left, FOOT, shortened(printable(footer), room, SMALLEST), SMALLEST)
        if number > 1:
            at = self.size[1] - RUNNING
            head = shortened(printable(self.head), WIDTH, SMALLEST)
            write(canvas, self.left, at, head, SMALLEST)
            canvas.setStrokeColor(LINE)
            canvas.setLineWidth(0.4)
            canvas.line(self.left, at - 4, self.left + WIDTH, at - 4)
        canvas.showPage()
        self.packed.page(canvas)


def certificates(
    devices: QuerySet[Device], name: str, address: PublicAddress, paper: str, look: Look = PLAIN
) -> Written:
    """The certificates of devices in the order of their serials, in the current language."""
    serials = [row.serial for row in members(devices)]
    bundle = Bundle(name, serials, paper, look)
    owners = dict(devices.order_by().values_list("serial", "owner"))
    looks: dict[int | None, Look] = {owner: look_of(owner) for owner in set(owners.values())}
    as_of, inputs = BEGINNING, {}
    for serial in serials:
        view = device_view(serial, viewer=None)
        if view is None:
            raise Device.DoesNotExist(_("The device %s is not there any more.") % serial)
        bundle.add(story_of(view, address, paper, looks.get(owners.get(serial), PLAIN)), serial)
        as_of = max(as_of, newest(view))
        inputs[serial] = {
            key: [one["analysis"], one["limits"], one["outcome"]]
            for key, one in inputs_of(view)["stages"].items()
        }
    made = {"mppcqa": mppcqa.__version__, "devices": inputs, **look_inputs(look)}
    if any(one != PLAIN for one in looks.values()):
        made["looks"] = {str(owner or ""): one.identity for owner, one in looks.items()}
    return Written(bundle.finished(as_of), name, made)


def _of(rows: Callable[[Any], QuerySet[Device]]) -> Callable[[Any, PublicAddress, str], Written]:
    def write_them(row: Any, address: PublicAddress, paper: str) -> Written:
        return certificates(rows(row), str(row), address, paper, look_about(row))

    return write_them


KINDS = (
    ReportKind(
        "shipment-certificates",
        gettext_lazy("Certificates of a shipment"),
        "inventory.shipment",
        _of(lambda row: row.devices.all()),
    ),
    ReportKind(
        "tray-certificates",
        gettext_lazy("Certificates of a tray"),
        "inventory.tray",
        _of(lambda row: row.devices.all()),
    ),
    ReportKind(
        "lot-certificates",
        gettext_lazy("Certificates of a lot"),
        "inventory.lot",
        _of(lambda row: row.device_set.all()),
    ),
    ReportKind(
        "run-certificates",
        gettext_lazy("Certificates of a run"),
        "runs.run",
        _of(lambda row: row.devices.all()),
    ),
    ReportKind(
        "selection-certificates",
        gettext_lazy("Certificates of chosen devices"),
        "reports.selection",
        _of(lambda row: row.devices()),
    ),
)
