"""The list of a person's exports."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from mppcqa.exchange.models import Export
from mppcqa.web.listing.declare import Column, Listing
from mppcqa.web.paging import Order

EXPORTS = Listing(
    name="exports",
    title=gettext_lazy("Your exports"),
    columns=(
        Column("file", gettext_lazy("File"), css="text-break"),
        Column("state", gettext_lazy("State")),
        Column("rows", gettext_lazy("Rows"), sort="rows", css="number"),
        Column("size", gettext_lazy("Size"), sort="size", css="number"),
        Column("asked_at", gettext_lazy("When"), sort="id", css="text-nowrap"),
    ),
    rows=lambda _asked, user: Export.objects.filter(asked_by=user),
    cells="web/exports/cells.html",
    order=Order("id", descending=True),
    show=lambda rows: rows.select_related("task"),
)
