"""The list of cases."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.inventory.cases import Case
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order

OPEN = "open"


def _states() -> list[tuple[str, Any]]:
    decided = [(key, title) for key, title in Case.Disposition.choices if key]
    return [(OPEN, gettext_lazy("not decided")), *decided]


def _rows(asked: QueryDict, user: Any) -> QuerySet[Case]:
    rows: QuerySet[Any] = Case.objects.visible_to(user)
    state = str(asked.get("state", ""))
    if state == OPEN:
        rows = rows.filter(decided_at=None)
    elif state in Case.Disposition.values:
        rows = rows.filter(disposition=state, decided_at__isnull=False) if state else rows
    if asked.get("whose") == "mine":
        rows = rows.filter(in_charge=user.pk)
    elif asked.get("whose") == "nobody":
        rows = rows.filter(in_charge=None)
    return rows


CASES = Listing(
    name="cases",
    title=gettext_lazy("What is not right"),
    columns=(
        Column("case", gettext_lazy("Case"), sort="id"),
        Column("device", gettext_lazy("Serial"), sort="device__serial"),
        Column("reason", gettext_lazy("What is not right")),
        Column("in_charge", gettext_lazy("In charge"), sort="in_charge__username"),
        Column("opened_at", gettext_lazy("Opened"), sort="opened_at"),
        Column("decision", gettext_lazy("Decision"), sort="disposition"),
    ),
    rows=_rows,
    cells="web/cases/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter("state", gettext_lazy("Decision"), _states),
        Filter(
            "whose",
            gettext_lazy("In charge"),
            lambda: [("mine", gettext_lazy("I am")), ("nobody", gettext_lazy("nobody"))],
        ),
    ),
    show=lambda rows: rows.select_related("device", "in_charge"),
)
