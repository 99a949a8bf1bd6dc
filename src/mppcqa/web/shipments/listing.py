"""The list of shipments."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.inventory.models import Institute, Shipment
from mppcqa.inventory.scope import scope_of
from mppcqa.results.selection import whole_number
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order

STANDINGS = {
    "packed": (gettext_lazy("packed"), {"sent_at": None}),
    "under_way": (gettext_lazy("on its way"), {"sent_at__isnull": False, "received_at": None}),
    "received": (gettext_lazy("received"), {"received_at__isnull": False}),
}


def _rows(asked: QueryDict, user: Any) -> QuerySet[Shipment]:
    rows: QuerySet[Any] = Shipment.objects.visible_to(user)
    if scope_of(user).bound:
        mine = Q(**scope_of(user).keys("devices__"))
        rows = rows.annotate(n_devices=Count("devices", filter=mine))
    for name, column in (("from", "origin"), ("to", "destination")):
        if (place := whole_number(asked.get(name))) is not None:
            rows = rows.filter(**{column: place})
    if (standing := str(asked.get("state"))) in STANDINGS:
        wanted: Any = STANDINGS[standing][1]
        rows = rows.filter(**wanted)
    return rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    numbers = Shipment.objects.filter(pk__in=[row.pk for row in rows]).order_by()
    counts = dict(numbers.annotate(n=Count("devices")).values_list("pk", "n"))
    for row in rows:
        # Of whom sees some devices alone, those were counted.
        row.n_devices = getattr(row, "n_devices", counts.get(row.pk, 0))
    return {}


SHIPMENTS = Listing(
    name="shipments",
    title=gettext_lazy("Shipments"),
    columns=(
        Column("shipment", gettext_lazy("Shipment"), sort="id"),
        Column("origin", gettext_lazy("From"), sort="origin__name"),
        Column("destination", gettext_lazy("To"), sort="destination__name"),
        Column("n_devices", gettext_lazy("Devices"), css="number"),
        Column("reference", gettext_lazy("Tracking number"), sort="reference"),
        Column("sent_at", gettext_lazy("Sent"), sort="sent_at"),
        Column("received_at", gettext_lazy("Received"), sort="received_at"),
    ),
    rows=_rows,
    cells="web/shipments/cells.html",
    order=Order("id", descending=True),
    short=True,
    filters=(
        Filter("from", gettext_lazy("From"), of=Institute),
        Filter("to", gettext_lazy("To"), of=Institute),
        Filter(
            "state",
            gettext_lazy("State"),
            lambda: [(key, title) for key, (title, _where) in STANDINGS.items()],
        ),
    ),
    show=lambda rows: rows.select_related("origin", "destination"),
    describe=_describe,
)
