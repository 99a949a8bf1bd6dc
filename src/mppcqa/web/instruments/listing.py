"""The list of instruments."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy

from mppcqa.runs.instruments import SOON, Instrument, Standing
from mppcqa.runs.models import Station
from mppcqa.typed import whole
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def _rows(asked: QueryDict, user: Any) -> QuerySet[Instrument]:
    rows = Instrument.objects.all()
    if (kind := asked.get("kind")) in Instrument.Kind.values:
        rows = rows.filter(kind=kind)
    if (station := whole(asked.get("station"))) is not None:
        rows = rows.filter(station=station)
    today, state = timezone.now().date(), asked.get("calibration")
    if state == Standing.EXPIRED:
        rows = rows.filter(calibrated_until__lt=today)
    elif state == Standing.SOON:
        rows = rows.filter(calibrated_until__gte=today, calibrated_until__lt=today + SOON)
    elif state == Standing.NONE:
        rows = rows.filter(calibrated_until=None)
    elif state == Standing.VALID:
        rows = rows.filter(calibrated_until__gte=today + SOON)
    if text := asked.get("q", "").strip():
        rows = rows.filter(name__icontains=text)
    return rows


INSTRUMENTS = Listing(
    name="instruments",
    title=gettext_lazy("Instruments"),
    columns=(
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("kind", gettext_lazy("Kind"), sort="kind"),
        Column("make", gettext_lazy("Make and serial number")),
        Column("station", gettext_lazy("Station"), sort="station__name"),
        Column("calibrated_until", gettext_lazy("Calibrated until"), sort="calibrated_until"),
        Column("institute", gettext_lazy("Institute"), sort="institute__name", shown=False),
    ),
    rows=_rows,
    cells="web/instruments/cells.html",
    order=Order("name"),
    filters=(
        Filter("q", gettext_lazy("Part of the name")),
        Filter("kind", gettext_lazy("Kind"), lambda: Instrument.Kind.choices),
        Filter("station", gettext_lazy("Station"), of=Station),
        Filter("calibration", gettext_lazy("Calibration"), lambda: Standing.choices),
    ),
    show=lambda rows: rows.select_related("station", "institute"),
)
