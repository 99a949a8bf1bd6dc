"""The list of what was signed, and of what waits for another person."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.signing.models import Act, SignedAct
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.signing.performing import pages_of

LOOK = {"waiting": "waiting", "done": "ok", "dropped": "killed"}
"""State of an act -> the state whose sign and colour it has."""


def _rows(asked: QueryDict, _user: Any) -> QuerySet[SignedAct]:
    rows = SignedAct.objects.all()
    for name, choices in (("act", Act), ("state", SignedAct.State)):
        if asked.get(name) in choices.values:
            rows = rows.filter(**{name: asked[name]})
    return rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    pages = pages_of(rows)
    for row in rows:
        row.place = pages.get(row.pk, "")
        row.look = LOOK[row.state]
    return {}


SIGNATURES = Listing(
    name="signatures",
    title=gettext_lazy("Signatures"),
    columns=(
        Column("act", gettext_lazy("Act")),
        Column("in_words", gettext_lazy("What it means"), css="text-break"),
        Column("signers", gettext_lazy("Signed by"), css="text-break"),
        Column("state", gettext_lazy("State")),
        Column("begun_at", gettext_lazy("Begun"), sort="id", css="text-nowrap"),
    ),
    rows=_rows,
    cells="web/signing/cells.html",
    describe=_describe,
    order=Order("id", descending=True),
    filters=(
        Filter("act", gettext_lazy("Act"), lambda: Act.choices),
        Filter("state", gettext_lazy("State"), lambda: SignedAct.State.choices),
    ),
)
