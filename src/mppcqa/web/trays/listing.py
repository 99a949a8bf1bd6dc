"""The list of trays."""

from __future__ import annotations

from django.utils.translation import gettext_lazy

from mppcqa.inventory.models import Tray
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order

TRAYS = Listing(
    name="trays",
    title=gettext_lazy("Trays"),
    columns=(
        Column("name", gettext_lazy("Tray"), sort="name"),
        Column("size", gettext_lazy("Size")),
        Column("lot", gettext_lazy("Lot"), sort="lot__name"),
        Column("location", gettext_lazy("Where"), sort="location__name"),
    ),
    rows=lambda asked, user: Tray.objects.visible_to(user).filter(
        name__istartswith=asked.get("q", "").strip()
    ),
    cells="web/trays/cells.html",
    order=Order("name"),
    filters=(Filter("q", gettext_lazy("Name begins with")),),
    show=lambda rows: rows.select_related("lot", "location"),
)
