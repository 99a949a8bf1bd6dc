"""The list of matchings."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.inventory.matching import Matching
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.matching.values import matched_by
from mppcqa.web.paging import Order

STATES = {"holds": gettext_lazy("reserved"), "undone": gettext_lazy("undone")}


def _rows(asked: QueryDict, user: Any) -> QuerySet[Matching]:
    rows: QuerySet[Any] = Matching.objects.visible_to(user)
    if (state := str(asked.get("state", ""))) in STATES:
        rows = rows.filter(undone_at__isnull=state == "holds")
    return rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    for row in rows:
        row.value = matched_by(row)
    return {}


MATCHINGS = Listing(
    name="matchings",
    title=gettext_lazy("Matching"),
    columns=(
        Column("name", gettext_lazy("Name"), sort="name"),
        Column("value", gettext_lazy("Matched by")),
        Column("size", gettext_lazy("Devices in a group"), css="number"),
        Column("spread", gettext_lazy("Mean spread"), css="number"),
        Column("made_at", gettext_lazy("Made"), sort="made_at"),
        Column("state", gettext_lazy("State")),
    ),
    rows=_rows,
    cells="web/matching/cells.html",
    order=Order("id", descending=True),
    short=True,
    filters=(Filter("state", gettext_lazy("State"), lambda: list(STATES.items())),),
    show=lambda rows: rows.select_related("made_by"),
    describe=_describe,
)
