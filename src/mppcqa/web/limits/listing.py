"""The list of limit sets."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.limits.models import LimitSet
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.stages import stage_titles


def _rows(asked: QueryDict, _user: Any) -> QuerySet[LimitSet]:
    rows = LimitSet.objects.all()
    if stage := asked.get("stage"):
        rows = rows.filter(stage=stage)
    return rows.filter(active=True) if asked.get("state") == "active" else rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    titles = stage_titles()
    for row in rows:
        row.stage_title = titles.get(row.stage, row.stage)
    return {}


LIMIT_SETS = Listing(
    name="limits",
    title=gettext_lazy("Limits"),
    columns=(
        Column("limit_set", gettext_lazy("Limit set"), sort="title"),
        Column("stage_title", gettext_lazy("Stage"), sort="stage"),
        Column("device_type", gettext_lazy("Device type"), sort="device_type__name"),
        Column("campaign", gettext_lazy("Campaign"), sort="campaign__name", if_any="campaign"),
        Column("active", gettext_lazy("In use"), sort="active"),
        Column("made", gettext_lazy("Made"), sort="made_at", css="text-nowrap"),
    ),
    rows=_rows,
    cells="web/limits/cells.html",
    order=Order("active", descending=True, unique=False),
    short=True,
    filters=(
        Filter("stage", gettext_lazy("Stage"), lambda: stage_titles().items()),
        Filter("state", gettext_lazy("State"), lambda: [("active", gettext_lazy("in use"))]),
    ),
    show=lambda rows: rows.select_related("device_type", "campaign", "made_by"),
    describe=_describe,
)
