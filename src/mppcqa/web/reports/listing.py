"""The list of reports that were kept."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.inventory.scope import scope_of
from mppcqa.reports.kinds import report_kinds
from mppcqa.reports.models import Report
from mppcqa.store.reading import glance_at
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order


def _every(user: Any) -> QuerySet[Report]:
    """All; who is bound to an institute or a campaign has those that were written for that person.

    Others are found at what they are about, where it is known whether all of it is seen.
    """
    rows = Report.objects.all()
    return rows.filter(made_by=user) if scope_of(user).bound else rows


def _rows(asked: QueryDict, user: Any) -> QuerySet[Report]:
    rows = _every(user)
    for key in ("kind", "language"):
        if asked.get(key):
            rows = rows.filter(**{key: asked[key]})
    if text := asked.get("q", "").strip():
        rows = rows.filter(title__istartswith=text)
    return rows


def _describe(rows: list[Any]) -> dict[str, Any]:
    titles = {one.key: one.title for one in report_kinds().values()}
    for row in rows:
        row.kind_title = titles.get(row.kind, row.kind)
    return {"faults": glance_at(rows)}


REPORTS = Listing(
    name="reports",
    title=gettext_lazy("Reports"),
    columns=(
        Column("title", gettext_lazy("About"), sort="title"),
        Column("kind_title", gettext_lazy("Report")),
        Column("made_at", gettext_lazy("Written"), sort="id", css="text-nowrap"),
        Column("made_by", gettext_lazy("By")),
        Column("language", gettext_lazy("Language")),
        Column("paper", gettext_lazy("Paper")),
        Column("compare", gettext_lazy("Compared"), quiet=True, css="text-nowrap"),
    ),
    rows=_rows,
    every=_every,
    cells="web/reports/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter("q", gettext_lazy("About, begins with")),
        Filter(
            "kind",
            gettext_lazy("Report"),
            lambda: [(one.key, one.title) for one in report_kinds().values()],
        ),
        Filter("language", gettext_lazy("Language"), lambda: settings.LANGUAGES),
    ),
    show=lambda rows: rows.defer("inputs").select_related("made_by"),
    describe=_describe,
)
