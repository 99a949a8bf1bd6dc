"""Values into the database: all of an analysis in one transaction, or none of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction

import mppcqa
from mppcqa.stages import Condition, Problem, Quantity, Result, Stage
from mppcqa.testing.models import (
    WHOLE_DEVICE,
    Analysis,
    ConditionPoint,
    Measurement,
    QuantityRow,
    RunFile,
    Standing,
)
from mppcqa.testing.signals import counting_changed

if TYPE_CHECKING:
    from mppcqa.queue.models import Task

BATCH = 2000


class AnalysisFault(ValueError):
    """The analysis yielded something that can't be a value; nothing was stored."""


def quantity_rows(stage: Stage) -> dict[str, QuantityRow]:
    """The database's rows of a stage's quantities, made where they are not there yet."""
    rows = {row.key: row for row in QuantityRow.objects.filter(stage=stage.key)}
    for quantity in stage.quantities:
        if quantity.key not in rows:
            rows[quantity.key], _ = QuantityRow.objects.get_or_create(
                stage=stage.key,
                key=quantity.key,
                defaults={
                    "title": quantity.title,
                    "symbol": quantity.symbol,
                    "unit": quantity.unit,
                },
            )
    return rows


def condition_rows(conditions: Iterable[Condition]) -> dict[Condition, ConditionPoint]:
    """Rows of conditions; equal conditions share one for the whole campaign."""
    keys = {condition: _condition_key(condition) for condition in set(conditions)}
    rows = {row.key: row for row in ConditionPoint.objects.filter(key__in=set(keys.values()))}
    for condition, key in keys.items():
        if key not in rows:
            rows[key], _ = ConditionPoint.objects.get_or_create(
                key=key,
                defaults={
                    "bias_v": condition.bias_v,
                    "overvoltage_v": condition.overvoltage_v,
                    "temperature_c": condition.temperature_c,
                    "light": condition.light,
                },
            )
    return {condition: rows[key] for condition, key in keys.items()}


def _condition_key(condition: Condition) -> str:
    values = (
        condition.bias_v,
        condition.overvoltage_v,
        condition.temperature_c,
        condition.light,
    )
    return "|".join("" if value is None else f"{value:.6g}" for value in values)


def store_analysis(
    stage: Stage,
    run_file: RunFile,
    devices: Mapping[int, int],
    results: Sequence[Result],
    problems: Sequence[Problem] = (),
    *,
    parameters: Mapping[str, Any] | None = None,
    task: Task | None = None,
) -> Analysis:
    """Store the values of an analysis and make it the one that counts for its devices.

    devices
        Device id by slot.
    results
        What `Stage.analyse` gave; each is checked against what its quantity can be.
    """
    declared = {quantity.key: quantity for quantity in stage.quantities}
    for result in results:
        _check(result, declared.get(result.quantity), devices)
    with transaction.atomic():
        quantities = quantity_rows(stage)
        points = condition_rows(result.condition for result in results)
        analysis = Analysis.objects.create(
            run_file=run_file,
            stage=stage.key,
            version=stage.version,
            code_version=mppcqa.__version__,
            parameters=dict(parameters or {}),
            methods={result.quantity: result.method for result in results if result.method},
            problems=[_problem(problem) for problem in problems],
            values=len(results),
            task=task,
            made_by_id=task.requested_by_id if task else None,
        )
        Analysis.objects.filter(run_file=run_file, stage=stage.key, counts=True).exclude(
            pk=analysis.pk
        ).update(counts=False)
        rows = [
            Measurement(
                device_id=devices[result.slot],
                analysis_id=analysis.pk,
                quantity_id=quantities[result.quantity].pk,
                channel=WHOLE_DEVICE if result.channel is None else result.channel,
                condition_id=points[result.condition].pk,
                value=result.value,
                uncertainty=result.uncertainty if math.isfinite(result.uncertainty) else None,
            )
            for result in results
        ]
        # In the order of the clustered key, so that pages of the table are filled once.
        rows.sort(key=lambda row: (row.device_id, row.quantity_id, row.channel, row.condition_id))
        Measurement.objects.bulk_create(rows, batch_size=BATCH)
        _count(stage, analysis, set(devices.values()))
    return analysis


def _check(result: Result, quantity: Quantity | None, devices: Mapping[int, int]) -> None:
    where = f"slot {result.slot}, channel {result.channel}, {result.quantity}"
    if quantity is None:
        raise AnalysisFault(f"{where}: the stage declares no such quantity")
    if result.slot not in devices:
        raise AnalysisFault(f"{where}: no device sat in that slot")
    low, high = quantity.bounds
    if not math.isfinite(result.value) or result.uncertainty < 0:
        raise AnalysisFault(f"{where}: {result.value} ± {result.uncertainty} is no measured value")
    # A value may lie outside what is possible by its uncertainty, not by more.
    slack = 5 * result.uncertainty if math.isfinite(result.uncertainty) else 0.0
    if (low is not None and result.value < low - slack) or (
        high is not None and result.value > high + slack
    ):
        raise AnalysisFault(f"{where}: {result.value:g} lies outside what is possible")


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "slot": problem.slot,
        "channel": problem.channel,
        "what": problem.what,
        "bias_v": problem.condition.bias_v,
    }


def _count(stage: Stage, analysis: Analysis, devices: set[int]) -> None:
    """Make the analysis the one that counts for its devices, and tell the summaries."""
    standing = {
        row.device_id: row for row in Standing.objects.filter(device__in=devices, stage=stage.key)
    }
    former = {device: getattr(standing.get(device), "analysis_id", None) for device in devices}
    Standing.objects.filter(device__in=list(standing), stage=stage.key).update(analysis=analysis)
    Standing.objects.bulk_create(
        Standing(device_id=device, stage=stage.key, analysis=analysis)
        for device in sorted(devices - standing.keys())
    )
    counting_changed.send(Analysis, stage=stage.key, analysis=analysis, former=former)
