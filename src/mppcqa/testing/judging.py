"""Verdicts on devices: pass, warning, fail, or incomplete where a value is missing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.stages import Stage, get_stage
from mppcqa.testing.grading import Graded, grade
from mppcqa.testing.models import Analysis, Limit, LimitSet, Outcome, Standing, Verdict
from mppcqa.testing.references import quantity_rows
from mppcqa.testing.signals import outcomes_changed

BATCH = 500


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
