"""Plan against what was done at a stage, and when it will be done."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

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
class Progress:
    """How far a stage is."""

    weeks: list[tuple[dt.date, int]]
    """Each Monday since the first device and how many of that week pass now, without a gap."""
    passed: int
    plan: Plan | None
    due: int | None
    """How many should have passed by now, by the plan."""
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
    return Progress(weeks, passed, plan, due_by(plan, now.date()), found, ends)


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
