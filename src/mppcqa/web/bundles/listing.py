"""The list of bundles, out and in."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.bundles.models import Bundle, Installation
from mppcqa.typed import whole
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def _rows(asked: QueryDict, _user: Any) -> QuerySet[Bundle]:
    rows = Bundle.objects.all()
    if asked.get("way") in Bundle.Way.values:
        rows = rows.filter(way=asked["way"])
    if (sender := whole(asked.get("sender"))) is not None:
        rows = rows.filter(sender=sender)
    return rows


BUNDLES = Listing(
    name="bundles",
    title=gettext_lazy("Bundles"),
    columns=(
        Column("file", gettext_lazy("Bundle"), css="text-break"),
        Column("way", gettext_lazy("Way"), sort="way"),
        Column("sender", gettext_lazy("From"), sort="sender__name"),
        Column("number", gettext_lazy("Number"), sort="number", css="number"),
        Column("shipment", gettext_lazy("Shipment"), sort="shipment"),
        Column("state", gettext_lazy("State"), sort="state"),
        Column("size", gettext_lazy("Size"), sort="size", css="number"),
        Column("asked_at", gettext_lazy("When"), sort="id", css="text-nowrap"),
    ),
    rows=_rows,
    cells="web/bundles/cells.html",
    order=Order("id", descending=True),
    short=True,
    filters=(
        Filter("way", gettext_lazy("Way"), lambda: Bundle.Way.choices),
        Filter("sender", gettext_lazy("From"), of=Installation),
    ),
    show=lambda rows: rows.select_related("sender", "shipment", "task"),
)
