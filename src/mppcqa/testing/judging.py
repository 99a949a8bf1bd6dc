"""Values against limits: pass, warning, fail, or incomplete where a value is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.stages import Stage, get_stage
from mppcqa.testing.models import (
    Analysis,
    ConditionPoint,
    Limit,
    LimitSet,
    Measurement,
    Outcome,
    Standing,
    Verdict,
)
from mppcqa.testing.references import quantity_rows
from mppcqa.testing.signals import outcomes_changed

BATCH = 500
BADNESS = {Outcome.PASS: 0, Outcome.WARNING: 1, Outcome.INCOMPLETE: 2, Outcome.FAIL: 3}


def active_limits(stage: Stage) -> LimitSet:
    """The limit set in use; the first is made from what the stage proposes."""
    found = LimitSet.objects.filter(stage=stage.key, active=True).order_by("-version").first()
    if found is not None:
        return found
    with transaction.atomic():
        found, made = LimitSet.objects.get_or_create(
            stage=stage.key,
            version=1,
            defaults={
                "title": _("%s: proposed limits") % stage.title,
                "reason": _("What the stage proposes; make a version of your own from it."),
                "active": True,
            },
        )
        if made:
            rows = quantity_rows(stage)
            Limit.objects.bulk_create(
                Limit(
                    limit_set=found,
                    quantity=rows[one.quantity],
                    pass_low=one.pass_low,
                    pass_high=one.pass_high,
                    warn_low=one.warn_low,
                    warn_high=one.warn_high,
                    overvoltage_v=one.overvoltage_v,
                    reason=one.reason,
                )
                for one in stage.limits
            )
    return found


def judge(analysis: Analysis, devices: Iterable[int]) -> dict[int, Outcome]:
    """Judge devices by the values of an analysis and the limits in use; outcome by device id."""
    stage = get_stage(analysis.stage)
    limit_set = active_limits(stage)
    analyses = dict.fromkeys(sorted(devices), analysis.pk)
    found = grade(stage, limit_set, analyses)
    _keep(stage.key, limit_set, analyses, found)
    return {device: outcome for device, (outcome, _details) in found.items()}


def judge_again(stage: Stage, limit_set: LimitSet, devices: Iterable[int]) -> dict[int, Outcome]:
    """Judge devices by the values that count for them now and by a limit set."""
    analyses = standing_analyses(stage.key, devices)
    found = grade(stage, limit_set, analyses)
    _keep(stage.key, limit_set, analyses, found)
    return {device: outcome for device, (outcome, _details) in found.items()}


def standing_analyses(stage: str, devices: Iterable[int]) -> dict[int, int]:
    """Device id -> id of the analysis that counts for it at a stage."""
    rows = Standing.objects.filter(stage=stage, device__in=list(devices))
    return dict(rows.values_list("device", "analysis"))


Graded = dict[int, tuple[Outcome, list[dict[str, Any]]]]
"""Outcome and details of a verdict by device id."""


def grade(stage: Stage, limit_set: LimitSet, analyses: Mapping[int, int]) -> Graded:
    """What verdicts on devices would say, each by the values of its analysis; nothing is kept."""
    limits = list(limit_set.limits.select_related("quantity"))
    scopes = {quantity.key: quantity.scope for quantity in stage.quantities}
    ids = sorted(analyses)
    sizes = {
        device.pk: device.device_type.channels
        for device in Device.objects.filter(pk__in=ids).select_related("device_type")
    }
    values = _values(analyses, {limit.quantity_id for limit in limits})
    found: Graded = {}
    for device in ids:
        details = [
            _judge_one(
                limit,
                values[device, limit.quantity_id],
                sizes[device] if scopes.get(limit.quantity.key) == "channel" else 1,
            )
            for limit in limits
        ]
        outcomes = [Outcome(detail["outcome"]) for detail in details]
        found[device] = (max(outcomes, key=BADNESS.__getitem__, default=Outcome.PASS), details)
    return found


class _Value(NamedTuple):
    """A measured value; a model's object for each would take most of the time."""

    channel: int
    condition_id: int
    condition: ConditionPoint
    value: float
    uncertainty: float | None


def _values(
    analyses: Mapping[int, int], quantities: set[int]
) -> dict[tuple[int, int], list[_Value]]:
    """Values by device and quantity, of each device those of its analysis."""
    rows = list(
        Measurement.objects.filter(
            device__in=sorted(analyses),
            analysis__in=set(analyses.values()),
            quantity__in=quantities,
        ).values_list(
            "device", "analysis", "quantity", "channel", "condition", "value", "uncertainty"
        )
    )
    points = ConditionPoint.objects.in_bulk({row[4] for row in rows})
    found: dict[tuple[int, int], list[_Value]] = defaultdict(list)
    for device, analysis, quantity, channel, at, value, uncertainty in rows:
        if analyses[device] == analysis:
            found[device, quantity].append(_Value(channel, at, points[at], value, uncertainty))
    return found


def _judge_one(limit: Limit, rows: Sequence[_Value], expected: int) -> dict[str, Any]:
    """One limit against the values of a device: the worst of them decides."""
    here = _at_overvoltage(rows, limit.overvoltage_v)
    graded = [(_grade(row.value, limit), row) for row in here]
    counts = {outcome: sum(grade == outcome for grade, _ in graded) for outcome in Outcome}
    missing = max(0, expected - len({row.channel for row in here}))
    detail: dict[str, Any] = {
        "quantity": limit.quantity.key,
        "judged": len(here),
        "failed": counts[Outcome.FAIL],
        "warned": counts[Outcome.WARNING],
        "missing": missing,
        "pass_low": limit.pass_low,
        "pass_high": limit.pass_high,
        "warn_low": limit.warn_low,
        "warn_high": limit.warn_high,
        "reason": limit.reason,
    }
    if not graded:
        return {**detail, "outcome": Outcome.INCOMPLETE, "text": _("no value was measured")}
    worst, row = max(graded, key=lambda pair: (BADNESS[pair[0]], _distance(pair[1].value, limit)))
    outcome = worst
    if missing and BADNESS[worst] < BADNESS[Outcome.INCOMPLETE]:
        outcome = Outcome.INCOMPLETE
    return {
        **detail,
        "outcome": outcome,
        "channel": row.channel,
        "value": row.value,
        "uncertainty": row.uncertainty,
        "condition": row.condition.values(),
        "text": _("%d channels have no value") % missing if missing else "",
    }


def _at_overvoltage(rows: Sequence[_Value], overvoltage_v: float | None) -> list[_Value]:
    """All values, or those at the condition nearest to an overvoltage."""
    if overvoltage_v is None:
        return list(rows)
    known = [row for row in rows if row.condition.overvoltage_v is not None]
    if not known:
        return []
    nearest = min(
        known,
        key=lambda row: (abs(row.condition.overvoltage_v - overvoltage_v), row.condition_id),
    )
    return [row for row in known if row.condition_id == nearest.condition_id]


def _grade(value: float, limit: Limit) -> Outcome:
    if _inside(value, limit.pass_low, limit.pass_high):
        return Outcome.PASS
    has_shoulder = limit.warn_low is not None or limit.warn_high is not None
    if has_shoulder and _inside(value, limit.warn_low, limit.warn_high):
        return Outcome.WARNING
    return Outcome.FAIL


def _inside(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _distance(value: float, limit: Limit) -> float:
    """How far outside the pass band, negative inside: the larger, the worse."""
    below = -1e300 if limit.pass_low is None else limit.pass_low - value
    above = -1e300 if limit.pass_high is None else value - limit.pass_high
    return max(below, above)


def _keep(stage: str, limit_set: LimitSet, analyses: Mapping[int, int], found: Graded) -> None:
    """Write verdicts and standings, and tell the summaries what changed."""
    now = timezone.now()
    with transaction.atomic():
        standings = {
            row.device_id: row
            for row in Standing.objects.filter(device__in=list(found), stage=stage).select_related(
                "verdict"
            )
        }
        Verdict.objects.bulk_create(
            [
                Verdict(
                    device_id=device,
                    stage=stage,
                    limit_set=limit_set,
                    analysis_id=analyses[device],
                    outcome=outcome,
                    details=details,
                    judged_at=now,
                )
                for device, (outcome, details) in found.items()
            ],
            ignore_conflicts=True,
        )
        verdicts = Verdict.objects.filter(
            device__in=list(found), analysis__in=set(analyses.values()), limit_set=limit_set
        )
        changes, changed = [], []
        for verdict in verdicts:
            device = verdict.device_id
            standing = standings.get(device)
            if verdict.analysis_id != analyses[device] or standing is None:
                continue
            if standing.analysis_id != verdict.analysis_id:
                continue  # a newer analysis counts
            former = standing.verdict
            if former is not None and former.pk == verdict.pk:
                continue
            changes.append((device, former, verdict))
            changed.append(device)
        # One statement for all, where a bulk update writes a case for each row.
        reached = Verdict.objects.filter(
            device=OuterRef("device"), analysis=OuterRef("analysis"), limit_set=limit_set
        )
        for start in range(0, len(changed), BATCH):
            Standing.objects.filter(device__in=changed[start : start + BATCH], stage=stage).update(
                verdict=Subquery(reached.values("pk")[:1]),
                outcome=Subquery(reached.values("outcome")[:1]),
                changed_at=now,
            )
        outcomes_changed.send(Analysis, stage=stage, changes=changes)
