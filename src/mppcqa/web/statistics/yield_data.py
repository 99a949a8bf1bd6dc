"""What the page of yields shows: three small summary tables, whatever the campaign's size."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.results.models import Outcome
from mppcqa.statistics.models import QuantityCount, WeekYield
from mppcqa.views.yields import yield_of
from mppcqa.web.charting import place_chart
from mppcqa.web.stages import quantities_of, stage_titles

WEEKS = 104
"""The latest weeks that the chart shows; the sums are of all."""
QUANTITIES = 15


def yield_picture(asked: Mapping[str, str]) -> dict[str, Any]:
    """Yields of the stage that was asked for, or of the one with most devices."""
    titles = stage_titles()
    sums = {
        row["stage"]: row
        for row in WeekYield.objects.order_by()
        .values("stage")
        .annotate(judged=Sum("judged"), first=Sum("first_passed"), last=Sum("last_passed"))
    }
    choices = [(key, title) for key, title in titles.items() if key in sums]
    choices += [(key, key) for key in sums if key not in titles]
    wanted = asked.get("stage", "")
    if wanted not in sums:
        wanted = max(sums, key=lambda key: sums[key]["judged"], default="")
    context: dict[str, Any] = {"choices": choices, "chosen": wanted}
    if not wanted:
        return context
    total = sums[wanted]
    weeks = list(
        WeekYield.objects.filter(stage=wanted, judged__gt=0).order_by("-week")[:WEEKS][::-1]
    )
    rows = [
        {
            "week": row.week,
            "judged": row.judged,
            "first": passed(row.first_passed, row.judged),
            "last": passed(row.last_passed, row.judged),
        }
        for row in weeks
    ]
    return context | {
        "label": dict(choices)[wanted],
        "judged": total["judged"],
        "first": passed(total["first"], total["judged"]),
        "last": passed(total["last"], total["judged"]),
        "rows": rows,
        "weeks": _weeks_chart(rows),
        **_failing(wanted),
    }


def passed(good: int, judged: int) -> dict[str, float]:
    """A yield [%] with its 68 % interval, as `mppcqa.views.yields` has it."""
    found = yield_of(good, judged)
    return {"percent": found.percent, "low": found.low, "high": found.high, "passed": good}


def _weeks_chart(rows: list[dict[str, Any]]) -> dict[str, Any]:
    kinds = {"first": _("first verdict"), "last": _("standing verdict")}
    points = [
        charts.YieldPoint(
            row["week"].isoformat(),
            name,
            row[kind]["percent"],
            row[kind]["low"],
            row[kind]["high"],
            row["judged"],
        )
        for kind, name in kinds.items()
        for row in rows
    ]
    drawn = charts.yield_by_week(
        points,
        kinds=(kinds["first"], kinds["last"]),
        x_title=_("Week of the first verdict"),
        y_title=_("Yield [%]"),
    )
    return place_chart("yield", _("Yield by week"), drawn)


def _failing(stage: str) -> dict[str, Any]:
    """Devices by the quantity that they do not pass, the commonest first."""
    wrong = {
        Outcome.FAIL.value: str(Outcome.FAIL.label),
        Outcome.INCOMPLETE.value: str(Outcome.INCOMPLETE.label),
    }
    counts: dict[str, dict[str, int]] = defaultdict(dict)
    found = QuantityCount.objects.filter(stage=stage, outcome__in=list(wrong)).order_by()
    for key, outcome, n in found.values_list("quantity", "outcome").annotate(total=Sum("n")):
        if n > 0:
            counts[key][outcome] = n
    known = quantities_of(stage)
    ordered = sorted(counts, key=lambda key: -sum(counts[key].values()))[:QUANTITIES]
    names = {key: _(known[key].title) if key in known else key for key in ordered}
    bars = [
        (names[key], outcome, wrong[outcome], n)
        for key in ordered
        for outcome, n in counts[key].items()
    ]
    drawn = charts.pareto(bars, x_title=_("devices"), outcomes=wrong)
    return {
        "pareto": place_chart("pareto", _("Quantities that fail"), drawn) if bars else None,
        "failing": [
            (
                names[key],
                counts[key].get(Outcome.FAIL, 0),
                counts[key].get(Outcome.INCOMPLETE, 0),
            )
            for key in ordered
        ],
    }
