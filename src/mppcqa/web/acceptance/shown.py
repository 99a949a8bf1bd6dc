"""A plan in words, its risks, and the curve of its operating characteristic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa import charts
from mppcqa.charts import campaign
from mppcqa.digits import number
from mppcqa.statistics.sampling import ByCount, Plan, risks
from mppcqa.web.charting import place_chart

KINDS = {
    "normal": gettext_lazy("ISO 2859-1, normal inspection"),
    "tightened": gettext_lazy("ISO 2859-1, tightened inspection"),
    "count": gettext_lazy("by failing devices, from two risks"),
    "value": gettext_lazy("by a measured value, from two risks"),
}
POINTS = 120


def plan_text(plan: Plan, lot_size: int) -> str:
    """What is done, in a sentence."""
    if isinstance(plan, ByCount):
        text = _("%(n)d of %(lot)d devices; accepted where %(c)d fail or fewer")
        return text % {"n": plan.n, "lot": lot_size, "c": plan.accept}
    text = _(
        "%(n)d of %(lot)d devices; accepted where at most %(most)s %% are estimated outside "
        "(k = %(k)s)"
    )
    words = {"n": plan.n, "lot": lot_size, "most": f"{100 * plan.most:.3g}", "k": f"{plan.k:.4g}"}
    return text % words


def risk_rows(plan: Plan, good: float, bad: float | None) -> list[tuple[str, str]]:
    """The risks in words and percent."""
    found = risks(plan, good, bad)
    rows = [
        (
            _("Risk of the maker: a lot with %s %% nonconforming is rejected") % number(100 * good),
            f"{100 * found.producer:.2g} %",
        )
    ]
    if bad is not None and found.consumer is not None:
        text = _("Our risk: a lot with %s %% nonconforming is accepted") % number(100 * bad)
        rows.append((text, f"{100 * found.consumer:.2g} %"))
    half = _("Accepted half of the time: lots with")
    tenth = _("Accepted one time in ten: lots with")
    rows += [(half, f"{100 * found.doubtful:.3g} %"), (tenth, f"{100 * found.limiting:.3g} %")]
    return rows


def curve(plan: Plan, told: Mapping[str, Any], lot_size: int) -> dict[str, Any]:
    """The operating characteristic: of a process, and of lots of this size."""
    good, bad = told["good"], told.get("bad")
    most = min(1.0, 2.0 * max(risks(plan, good).limiting, bad or 0.0))
    x = np.linspace(0, most, POINTS)
    process = _("a process")
    rows = [
        {"g": process, "x": 100 * a, "y": 100 * b}
        for a, b in zip(x.tolist(), plan.accepted(x).tolist(), strict=True)
    ]
    names = [process]
    if isinstance(plan, ByCount) and lot_size >= plan.n:
        whole = np.unique(np.rint(x * lot_size)) / lot_size
        here = _("a lot of %d") % lot_size
        names.append(here)
        rows += [
            {"g": here, "x": 100 * a, "y": 100 * b}
            for a, b in zip(whole.tolist(), plan.accepted(whole, lot_size).tolist(), strict=True)
        ]
    marks = [
        {"x": 100 * one, "y": 100 * float(plan.accepted(one)), "what": name}
        for one, name in ((good, _("good quality")), (bad, _("bad quality")))
        if one is not None
    ]
    drawn = campaign.characteristic(
        rows,
        marks,
        tuple(names),
        charts.Scale(_("nonconforming devices"), "%"),
        charts.Scale(_("accepted"), "%"),
    )
    return place_chart("curve", _("Operating characteristic of the plan"), drawn)
