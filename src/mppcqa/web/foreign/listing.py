"""The list of archives of measured files."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from mppcqa.exchange.models import Batch
from mppcqa.web.listing.declare import Column, Listing
from mppcqa.web.paging import Order

BATCHES = Listing(
    name="batches",
    title=gettext_lazy("Imported archives"),
    columns=(
        Column("name", gettext_lazy("Archive"), sort="name", css="text-break"),
        Column("state", gettext_lazy("State"), sort="state"),
        Column("asked_by", gettext_lazy("By"), sort="asked_by__username"),
    ),
    rows=lambda _asked, _user: Batch.objects.all(),
    cells="web/foreign/cells.html",
    order=Order("id", descending=True),
    show=lambda rows: rows.select_related("asked_by"),
)
