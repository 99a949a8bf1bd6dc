"""Verdicts on devices: pass, warning, fail, or incomplete where a value is missing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext_noop

from mppcqa.database.retry import again_after_deadlock
from mppcqa.inventory.models import Device
from mppcqa.limits.grading import Graded, grade
from mppcqa.limits.models import TITLES, Limit, LimitSet, Verdict
from mppcqa.limits.signals import outcomes_changed
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Analysis, Outcome, Standing
from mppcqa.results.references import quantity_ids
from mppcqa.stages import Stage, get_stage

BATCH = 500


Own = dict[tuple[int | None, int | None], LimitSet]
"""Limit sets by the campaign and the device type (ids) that they are for."""


def active_limits(
    stage: Stage, device_type: int | None = None, campaign: int | None = None
) -> LimitSet:
    """The limit set in use for devices of a type in a campaign (ids): see `own_limits`.

    The first general one is made from what the stage proposes.
    """
    found = own_limits(stage.key)
    return _of(found, campaign, device_type) or _proposed_limits(stage)


def own_limits(stage: str, *, without: LimitSet | None = None) -> Own:
    """The limit sets of a stage in use, by what they are for, but for one.

    A device is judged by that of its campaign and type, of its campaign, of its type, or by the
    general one, whichever comes first.
    """
    rows = LimitSet.objects.filter(stage=stage, active=True).order_by("version")
    found = {(row.campaign_id, row.device_type_id): row for row in rows}
    if without is not None:
        found = {key: row for key, row in found.items() if row.pk != without.pk}
    return found


def _of(found: Own, campaign: int | None, device_type: int | None) -> LimitSet | None:
    keys = ((campaign, device_type), (campaign, None), (None, device_type), (None, None))
    return next((found[key] for key in keys if key in found), None)


def _proposed_limits(stage: Stage) -> LimitSet:
    with transaction.atomic():
        last = LimitSet.objects.filter(stage=stage.key).aggregate(last=Max("version"))["last"]
        found, made = LimitSet.objects.get_or_create(
            stage=stage.key,
            version=(last or 0) + 1,
            defaults={
                "title": TITLES[0] % stage.title,
                "reason": gettext_noop(
                    "What the stage proposes; make a version of your own from it."
                ),
                "active": True,
            },
        )
        if made:
            quantities = quantity_ids(stage)
            Limit.objects.bulk_create(
                Limit(
                    limit_set=found,
                    quantity_id=quantities[one.quantity],
                    pass_low=one.pass_low,
                    pass_high=one.pass_high,
                    warn_low=one.warn_low,
                    warn_high=one.warn_high,
                    at=one.at,
                    reason=one.reason,
                )
                for one in stage.limits
            )
    return found


def limits_of(
    stage: Stage, devices: Iterable[int], *, without: LimitSet | None = None
) -> list[tuple[LimitSet, list[int]]]:
    """The limit sets in use for devices, each with those (ids, ascending) that it judges.

    Were one of them not in use, `without` it.
    """
    found = own_limits(stage.key, without=without)
    general = found.get((None, None)) or active_limits(stage)
    ids = sorted(devices)
    if found.keys() <= {(None, None)}:
        return [(general, ids)]
    kinds: dict[int, tuple[int, int]] = {}
    for start in range(0, len(ids), BATCH):
        rows = Device.objects.filter(pk__in=ids[start : start + BATCH])
        for pk, campaign, kind in rows.values_list("pk", "campaign", "device_type"):
            kinds[pk] = (campaign, kind)
    members: dict[LimitSet, list[int]] = defaultdict(list)
    for device in ids:
        members[_of(found, *kinds.get(device, (None, None))) or general].append(device)
    return list(members.items())


def judge_by_own(stage: Stage, devices: Iterable[int]) -> None:
    """Judge devices by the values that count for them now and by the limits in use for them."""
    for limit_set, members in limits_of(stage, devices):
        judge_again(stage, limit_set, members)


def judge(
    analysis: Analysis, devices: Iterable[int], values: MeasurementColumns | None = None
) -> dict[int, Outcome]:
    """Judge devices by the values of an analysis and the limits in use; outcome by device id.

    Who has the values at hand (at least all of these devices) gives them, and they are not read.
    """
    stage = get_stage(analysis.stage)
    outcomes: dict[int, Outcome] = {}
    for limit_set, members in limits_of(stage, devices):
        outcomes |= _judge(stage, limit_set, dict.fromkeys(members, analysis.pk), values)
    return outcomes


def judge_again(stage: Stage, limit_set: LimitSet, devices: Iterable[int]) -> dict[int, Outcome]:
    """Judge devices by the values that count for them now and by a limit set."""
    return _judge(stage, limit_set, standing_analyses(stage.key, devices))


def _judge(
    stage: Stage,
    limit_set: LimitSet,
    analyses: Mapping[int, int],
    values: MeasurementColumns | None = None,
) -> dict[int, Outcome]:
    """Verdicts, kept; what was judged already by this set and analysis is not judged again.

    Neither values nor limit sets ever change, so the verdict would be the same.
    """
    known = _verdicts(limit_set, analyses)
    unknown = {device: one for device, one in analyses.items() if device not in known}
    found = grade(stage, limit_set, unknown, values)
    _keep(stage.key, limit_set, analyses, found, known)
    return {device: Outcome(one.outcome) for device, one in known.items()} | {
        device: outcome for device, (outcome, _details) in found.items()
    }


def _verdicts(limit_set: LimitSet, analyses: Mapping[int, int]) -> dict[int, Verdict]:
    """Verdicts that there are on devices by a limit set and each by its analysis."""
    rows = Verdict.objects.filter(
        device__in=list(analyses), analysis__in=set(analyses.values()), limit_set=limit_set
    )
    return {
        row.device_id: row for row in rows.order_by() if row.analysis_id == analyses[row.device_id]
    }


def standing_analyses(stage: str, devices: Iterable[int]) -> dict[int, int]:
    """Device id -> id of the analysis that counts for it at a stage."""
    rows = Standing.objects.filter(stage=stage, device__in=list(devices))
    return dict(rows.values_list("device", "analysis"))


@again_after_deadlock
def _keep(
    stage: str,
    limit_set: LimitSet,
    analyses: Mapping[int, int],
    found: Graded,
    known: Mapping[int, Verdict],
) -> None:
    """Write verdicts and standings, and tell the summaries what changed."""
    now = timezone.now()
    with transaction.atomic():
        # Locked, so that no other analysis begins to count between this look and the update.
        held = Standing.objects.select_for_update().filter(device__in=list(analyses), stage=stage)
        standings = {
            device: (counting, verdict)
            for device, counting, verdict in held.order_by("pk").values_list(
                "device", "analysis", "verdict"
            )
        }
        formers = Verdict.objects.in_bulk(
            {verdict for _counting, verdict in standings.values() if verdict is not None}
        )
        # Another judge may have been first, with the same verdict. Of devices that stand with this
        # analysis none can come from now on.
        there = _verdicts(limit_set, {device: analyses[device] for device in found})
        fresh = [
            Verdict(
                device_id=device,
                stage=stage,
                limit_set_id=limit_set.pk,
                analysis_id=analyses[device],
                outcome=outcome,
                details=details,
                judged_at=now,
            )
            for device, (outcome, details) in found.items()
            if device not in there
        ]
        Verdict.objects.bulk_create(fresh, ignore_conflicts=True)
        changes, changed = [], []
        for verdict in (*known.values(), *there.values(), *fresh):
            device = verdict.device_id
            counting, last = standings.get(device, (None, None))
            if counting != verdict.analysis_id:
                continue  # nothing counts, or another analysis
            former = formers.get(last)
            if former is not None and former.pk == verdict.pk:
                continue
            changes.append((device, former, verdict))
            changed.append(device)
        if not changed:
            return
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
