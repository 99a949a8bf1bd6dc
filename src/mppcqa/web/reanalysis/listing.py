"""The list of re-analyses."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from mppcqa.results.reanalysis import reanalyses
from mppcqa.web.listing.declare import Column, Listing
from mppcqa.web.paging import Order

REANALYSES = Listing(
    name="reanalyses",
    title=gettext_lazy("Re-analyses"),
    columns=(
        Column("title", gettext_lazy("Title"), css="text-break"),
        Column("state", gettext_lazy("State")),
        Column("created_at", gettext_lazy("Asked for"), sort="id", css="text-nowrap"),
        Column("requested_by", gettext_lazy("By"), sort="requested_by__username"),
    ),
    rows=lambda _asked, _user: reanalyses(),
    cells="web/reanalysis/cells.html",
    order=Order("id", descending=True),
    show=lambda rows: rows.select_related("requested_by").prefetch_related("tasks"),
)
