"""Plan against what was done at a stage, and when it will be done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from django.db.models import Sum
from django.utils.translation import gettext as _

from mppcqa.refused import Fault, Refused
from mppcqa.statistics.forecast import Forecast, forecast
from mppcqa.statistics.models import Plan, WeekYield
from mppcqa.statistics.outcomes import monday

WEEK = dt.timedelta(days=7)
MOST_DEVICES = 100_000_000


class PlanRefused(Refused):
    """Not kept; the faults name their fields."""


@dataclass(frozen=True)
class Wanted:
    """What was planned for a stage, over all campaigns, and what was done: plans know none."""

    passed: int
    due: int
    """Devices that should pass by now."""
    devices: int
    until: dt.date


def against_plan(plan: Plan, passed: int, day: dt.date) -> Wanted:
    """A plan beside the devices that pass on a day."""
    return Wanted(passed, due_by(plan, day), plan.devices, plan.until)


def all_plans(day: dt.date) -> dict[str, Wanted]:
    """Every plan beside what was done, by stage; two questions."""
    plans = {one.stage: one for one in Plan.objects.all()}
    passed: dict[str, int] = dict(
        WeekYield.objects.filter(stage__in=plans)
        .order_by()
        .values_list("stage")
        .annotate(n=Sum("last_passed"))
    )
    return {key: against_plan(plan, passed.get(key, 0), day) for key, plan in plans.items()}


@dataclass(frozen=True)
class Progress:
    """How far a stage is."""

    weeks: list[tuple[dt.date, int]]
    """Each Monday since the first device and how many of that week pass now, without a gap."""
    passed: int
    plan: Plan | None
    wanted: Wanted | None
    """What the plan wants by now; None without one."""
    forecast: Forecast | None
    ends: tuple[dt.date | None, dt.date | None, dt.date | None] | None
    """80 % of futures end between the first and the last of these; the second is the median."""


def progress(stage: str, now: dt.datetime) -> Progress:
    """Of devices by the week of their first verdict; the week that runs is no whole one."""
    rows = WeekYield.objects.filter(stage=stage).order_by("week").values_list("week", "last_passed")
    counts, this = dict(rows), monday(now)
    weeks = []
    week, last = min((this, *counts)), max((this, *counts))
    while week <= last:
        weeks.append((week, counts.get(week, 0)))
        week += WEEK
    passed = sum(counts.values())
    plan = Plan.objects.filter(stage=stage).first()
    if plan is None:
        return Progress(weeks, passed, None, None, None, None)
    whole = [n for week, n in weeks if week < this]
    found = forecast(max(0, plan.devices - (passed - counts.get(this, 0))), whole)
    ends = None
    if found is not None and passed < plan.devices:
        low, median, high = (
            None if one is None else max(now.date(), this + dt.timedelta(days=round(7 * one)))
            for one in (found.low, found.median, found.high)
        )
        ends = low, median, high
    wanted = against_plan(plan, passed, now.date())
    return Progress(weeks, passed, plan, wanted, found, ends)


def due_by(plan: Plan, day: dt.date) -> int:
    """How many devices a plan wants by a day: the same each day."""
    share = (day - plan.since) / (plan.until - plan.since)
    return round(plan.devices * min(1.0, max(0.0, share)))


def set_plan(stage: str, devices: int | None, since: dt.date | None, until: dt.date | None) -> Plan:
    """Keep the plan of a stage in place of a former one."""
    faults = []
    if devices is None or not 0 < devices <= MOST_DEVICES:
        faults.append(Fault(_("Say how many devices, at least one."), field="devices"))
    if since is None or until is None or since >= until:
        faults.append(Fault(_("The plan ends after it begins: give both days."), field="until"))
    if faults or devices is None or since is None or until is None:
        raise PlanRefused(faults)
    values = {"devices": devices, "since": since, "until": until}
    return Plan.objects.update_or_create(stage=stage, defaults=values)[0]
