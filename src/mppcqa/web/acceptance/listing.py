"""The list of lots that were sampled."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.inventory.models import Lot
from mppcqa.limits.acceptance import Acceptance
from mppcqa.results.selection import whole_number
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.stages import stage_titles

OPEN = "open"


def _states() -> list[tuple[str, Any]]:
    decided = [(key, title) for key, title in Acceptance.Outcome.choices if key]
    return [(OPEN, gettext_lazy("not decided")), *decided]


def _rows(asked: QueryDict, _user: Any) -> QuerySet[Acceptance]:
    rows: QuerySet[Any] = Acceptance.objects.all()
    if (lot := whole_number(asked.get("lot"))) is not None:
        rows = rows.filter(lot=lot)
    state = str(asked.get("state", ""))
    if state == OPEN:
        rows = rows.filter(decided_at=None)
    elif state and state in Acceptance.Outcome.values:
        rows = rows.filter(outcome=state)
    return rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    titles = stage_titles()
    for row in rows:
        row.stage_title = titles.get(row.stage, row.stage)
    return {}


ACCEPTANCES = Listing(
    name="acceptances",
    title=gettext_lazy("Acceptance of lots"),
    columns=(
        Column("lot", gettext_lazy("Lot"), sort="lot__name"),
        Column("stage_title", gettext_lazy("Stage"), sort="stage"),
        Column("n", gettext_lazy("Sample"), css="number"),
        Column("drawn_at", gettext_lazy("Drawn"), sort="drawn_at"),
        Column("state", gettext_lazy("Verdict"), sort="outcome"),
    ),
    rows=_rows,
    cells="web/acceptance/cells.html",
    order=Order("id", descending=True),
    short=True,
    filters=(
        Filter("state", gettext_lazy("Verdict"), _states),
        Filter("lot", gettext_lazy("Lot"), of=Lot),
    ),
    show=lambda rows: rows.select_related("lot", "drawn_by"),
    describe=_describe,
)
