"""What waits where, the plan, and yields by what devices belong to, as the page shows them."""

from __future__ import annotations

import datetime as dt
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa import charts
from mppcqa.charts import capability as draw
from mppcqa.columnar.questions import NONE, Questions
from mppcqa.database.counting import count_to
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import Viewer
from mppcqa.results.models import Outcome
from mppcqa.results.way import HOLD, with_next
from mppcqa.statistics.models import OutcomeCount
from mppcqa.statistics.planning import Progress, progress
from mppcqa.views.workbench.names import names_of
from mppcqa.views.yields import yield_of
from mppcqa.web.charting import place_chart
from mppcqa.web.stages import stage_titles

COUNTED = 10_000
GROUPS = 60


def groupings() -> list[tuple[str, str]]:
    """What yields may be grouped by."""
    return [
        ("lot", _("lot")),
        ("maker", _("maker")),
        ("type", _("device type")),
        ("tray", _("tray")),
        ("station", _("station")),
        ("location", _("institute")),
    ]


def funnel(viewer: Viewer) -> list[dict[str, Any]]:
    """Each stage with how many devices stand there and how many wait for it.

    Who waits is known where a campaign says through which stages its devices pass.
    """
    counts: dict[str, dict[str, int]] = {}
    rows = OutcomeCount.objects.order_by().values_list("stage", "outcome")
    for stage, outcome, n in rows.annotate(n=Sum("n")):
        counts.setdefault(stage, {})[outcome] = n
    ways = list(Campaign.objects.exclude(stages=[]).values_list("stages", flat=True))
    on_the_way = {stage for stages in ways for stage in stages}
    titles = stage_titles()
    order = [key for stages in ways for key in stages]
    keys = [*dict.fromkeys(order), *(key for key in titles if key not in on_the_way)]
    devices = Device.objects.visible_to(viewer)
    found = []
    for key in keys:
        mine = counts.get(key, {})
        total = sum(mine.values())
        if not total and key not in on_the_way:
            continue
        waits = count_to(with_next(devices, key), COUNTED + 1) if key in on_the_way else None
        good = mine.get(Outcome.PASS, 0) + mine.get(Outcome.WARNING, 0)
        found.append({
            "key": key, "title": titles.get(key, key), "judged": total, "passed": good,
            "failed": mine.get(Outcome.FAIL, 0), "incomplete": mine.get(Outcome.INCOMPLETE, 0),
            "waits": waits, "yield": yield_of(good, total),
        })  # fmt: skip
    if on_the_way:
        held = count_to(with_next(devices, HOLD), COUNTED + 1)
        found.append({"key": HOLD, "title": _("on hold"), "waits": held, "hold": True})
    for one in found:
        if one["waits"] is not None and one["waits"] > COUNTED:
            one["more"] = COUNTED
    most = max((one["waits"] or 0 for one in found), default=0)
    for one in found:
        one["part"] = 100 * (one["waits"] or 0) / most if most else 0
    return found


def plan_picture(stage: str) -> dict[str, Any]:
    """The plan of a stage beside what was done, with a chart where there is a plan."""
    found = progress(stage, timezone.now())
    context: dict[str, Any] = {"progress": found, "plan": found.plan}
    if found.plan is None:
        return context
    lines, total, done = [], 0, _("pass now")
    for week, n in found.weeks:
        lines.append({"g": done, "day": week.isoformat(), "n": total})
        total += n
    today = timezone.now().date()
    lines.append({"g": done, "day": today.isoformat(), "n": total})
    planned = _("plan")
    for day, n in ((found.plan.since, 0), (found.plan.until, found.plan.devices)):
        lines.append({"g": planned, "day": day.isoformat(), "n": n})
    ends = _ends(found, today)
    drawn = draw.plan(
        lines,
        ends,
        (done, planned, *(one["g"] for one in ends)),
        charts.Scale(_("Day")),
        charts.Scale(_("devices")),
    )
    context["plan_chart"] = place_chart("plan", _("Plan against actual"), drawn)
    return context


def _ends(found: Progress, today: dt.date) -> list[dict[str, Any]]:
    low, median, high = found.ends or (None, None, None)
    if median is None or found.plan is None:
        return []
    far = high or max(median, today) + dt.timedelta(days=365)
    days = {"low": low or today, "median": median, "high": far}
    forecast = _("end, in four of five futures")
    return [
        {
            "g": forecast,
            "n": found.plan.devices,
            **{key: day.isoformat() for key, day in days.items()},
        }
    ]


LISTED = {"lot": True, "tray": True, "type": False}
"""Groups by which the list of devices can be narrowed -> whether by their name, and not by id."""


def yields_by(stage: str, by: str, viewer: Viewer) -> list[dict[str, Any]]:
    """First-pass and standing yields with their 68 % intervals, the largest groups first."""
    questions = Questions()
    last = questions.yields(stage, by)[:GROUPS]
    first = {one.group: one for one in questions.yields(stage, by, first=True)}
    names = names_of(by, [one.group for one in last], viewer)
    found = []
    for one in last:
        begun = first.get(one.group)
        listed = ""
        if by in LISTED and one.group is not None:
            wanted = names[one.group] if LISTED[by] else one.group
            listed = f"{reverse('device_list')}?{urlencode({by: wanted})}"
        fails = urlencode({"stage": stage, "outcome": Outcome.FAIL.value})
        found.append({
            "devices": listed,
            "failing": f"{listed}&{fails}" if listed and one.passed < one.judged else "",
            "name": names.get(one.group, "–"), "key": NONE if one.group is None else one.group,
            "judged": one.judged, "last": yield_of(one.passed, one.judged),
            "first": yield_of(begun.passed, begun.judged) if begun else yield_of(0, 0),
        })  # fmt: skip
    return found
