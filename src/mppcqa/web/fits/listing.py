"""The list of devices' analyses by the quality of their fits."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.results.models import FitRecords
from mppcqa.typed import number
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.shown import say_of
from mppcqa.web.stages import stage_titles

P_VALUES = ("0.05", "0.01", "0.001", "1e-6")


def _rows(asked: QueryDict, user: Any) -> QuerySet[FitRecords]:
    rows = FitRecords.objects.visible_to(user).filter(analysis__counts=True)
    below = number(asked.get("p_below"))
    if below is not None:
        rows = rows.filter(lowest_p__lt=below)
    if asked.get("stage") in stage_titles():
        rows = rows.filter(analysis__stage=asked["stage"])
    if asked.get("withheld"):
        rows = rows.filter(withheld__gt=0)
    return rows


def _show(rows: QuerySet[FitRecords]) -> QuerySet[FitRecords]:
    return rows.defer("packed").annotate(
        serial=F("device__serial"),
        stage=F("analysis__stage"),
        run=F("analysis__run_file__run"),
    )


def _describe(rows: list[Any]) -> dict[str, Any]:
    titles = stage_titles()
    for row in rows:
        say_of(row, stage_title=titles.get(row.stage, row.stage))
    return {}


FITS = Listing(
    name="fits",
    title=gettext_lazy("Quality of fits"),
    columns=(
        Column("serial", gettext_lazy("Device")),
        Column("stage_title", gettext_lazy("Stage"), css="text-nowrap"),
        Column("run", gettext_lazy("Run"), css="text-nowrap"),
        Column("analysis", gettext_lazy("Analysis"), sort="id", css="number"),
        Column("fits", gettext_lazy("Fits"), sort="fits", css="number"),
        Column("withheld", gettext_lazy("Without a value"), sort="withheld", css="number"),
        Column("lowest_p", gettext_lazy("Lowest p-value"), sort="lowest_p", css="number"),
        Column("highest_chi2_ndf", gettext_lazy("Highest χ²/ndf"), css="number"),
    ),
    rows=_rows,
    cells="web/fits/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter("stage", gettext_lazy("Stage"), lambda: stage_titles().items()),
        Filter(
            "p_below",
            gettext_lazy("A p-value below"),
            lambda: [(one, one) for one in P_VALUES],
        ),
        Filter(
            "withheld",
            gettext_lazy("Fits"),
            lambda: [("1", gettext_lazy("some without a value"))],
        ),
    ),
    show=_show,
    describe=_describe,
    export="fits",
)
