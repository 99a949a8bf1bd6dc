"""Summaries of verdicts, kept up by the judging in its own transaction."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F, Model

from mppcqa.limits.models import Verdict
from mppcqa.results.models import Outcome
from mppcqa.statistics.models import OutcomeCount, QuantityCount, WeekYield

BATCH = 5000
GOOD = {Outcome.PASS, Outcome.WARNING}

Counts = Counter[tuple[Any, ...]]
"""Number to add by the row's key and, last, the column's name."""


def count_outcomes(stage: str, changes: Iterable[tuple[int, Verdict | None, Verdict]]) -> None:
    """Devices at a stage have new verdicts in place of former ones."""
    changes = list(changes)
    first = first_verdicts(stage, [device for device, _former, _new in changes])
    outcomes: Counts = Counter()
    quantities: Counts = Counter()
    weeks: Counts = Counter()
    for device, former, new in changes:
        add_verdict(outcomes, quantities, new, +1)
        week, passed = first[device]
        if former is None:
            weeks[stage, week, "judged"] += 1
            weeks[stage, week, "first_passed"] += passed
        else:
            add_verdict(outcomes, quantities, former, -1)
            weeks[stage, week, "last_passed"] -= former.outcome in GOOD
        weeks[stage, week, "last_passed"] += new.outcome in GOOD
    add_counts(OutcomeCount, ("stage", "week", "outcome"), outcomes)
    add_counts(QuantityCount, ("stage", "week", "quantity", "outcome"), quantities)
    add_counts(WeekYield, ("stage", "week"), weeks)


def add_verdict(outcomes: Counts, quantities: Counts, verdict: Verdict, sign: int) -> None:
    """What a standing verdict adds to `OutcomeCount` and `QuantityCount`."""
    week = monday(verdict.judged_at)
    outcomes[verdict.stage, week, str(verdict.outcome), "n"] += sign
    for detail in verdict.details:
        if detail["outcome"] != Outcome.PASS:
            key = (verdict.stage, week, detail["quantity"], str(detail["outcome"]))
            quantities[(*key, "n")] += sign


def first_verdicts(stage: str, devices: list[int]) -> dict[int, tuple[dt.date, bool]]:
    """Device -> week of its first verdict at a stage, and whether that was a pass."""
    found: dict[int, tuple[dt.date, bool]] = {}
    for start in range(0, len(devices), BATCH):
        mine = Verdict.objects.filter(device__in=devices[start : start + BATCH], stage=stage)
        for device, at, outcome in mine.order_by("-id").values_list(
            "device", "judged_at", "outcome"
        ):
            found[device] = monday(at), outcome in GOOD  # the oldest has the last word
    return found


def add_counts(
    model: type[Model], keys: tuple[str, ...], counts: Mapping[tuple[Any, ...], int]
) -> None:
    """Add numbers to rows, made where they are not there; always in the order of their keys."""
    rows: dict[tuple[Any, ...], dict[str, int]] = {}
    for (*place, column), n in counts.items():
        if n:
            rows.setdefault(tuple(place), {})[column] = n
    for key in sorted(rows):
        wanted = dict(zip(keys, key, strict=True))
        changes = {column: F(column) + n for column, n in rows[key].items()}
        manager = model._default_manager
        if not manager.filter(**wanted).update(**changes):
            manager.get_or_create(**wanted)
            manager.filter(**wanted).update(**changes)


def monday(at: dt.datetime) -> dt.date:
    """The week of a moment: its Monday, in UTC."""
    day = at.astimezone(dt.UTC).date()
    return day - dt.timedelta(days=day.weekday())
