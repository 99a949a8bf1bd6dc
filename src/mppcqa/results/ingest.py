"""Values into the database: all of an analysis in one transaction, or none of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction

import mppcqa
from mppcqa.database.retry import again_after_deadlock
from mppcqa.inventory.locks import lock_devices
from mppcqa.refused import Refused
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.columns import ValueColumns, columns_of_results, value_faults
from mppcqa.results.counting import count_analyses
from mppcqa.results.fits import save_fits
from mppcqa.results.models import Analysis
from mppcqa.results.references import Meaning, condition_ids, quantity_ids
from mppcqa.results.sums import at_sums, save_sums, sums_before
from mppcqa.runs.models import RunFile
from mppcqa.stages import Fit, Problem, Result, SharedPart, Stage

if TYPE_CHECKING:
    from mppcqa.queue.models import Task

FAULTS_TOLD = 20
NO_SLOTS: Mapping[int, int] = {}


class AnalysisFault(Refused):
    """The analysis yielded something that can't be a value; nothing was stored."""


@dataclass(frozen=True, kw_only=True)
class NewAnalysis:
    """An analysis that is to be stored."""

    stage: Stage
    run_file: RunFile
    values: ValueColumns
    devices: Sequence[int] = ()
    """Ids of all devices that it is of, also those without any value; by default those with."""
    problems: Sequence[Problem] = ()
    shared: Mapping[str, SharedPart] = field(default_factory=dict)
    """What of the systematic uncertainties the values have in common, by name."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    task: Task | None = None
    made_by_id: int | None = None
    counts: bool = True
    """Whether it replaces what counts for its devices; if not, `counting.make_count` may later."""


def store_analysis(
    stage: Stage,
    run_file: RunFile,
    devices: Mapping[int, int],
    results: Sequence[Result],
    problems: Sequence[Problem] = (),
    *,
    shared: Mapping[str, SharedPart] | None = None,
    fits: Sequence[Fit] = (),
    parameters: Mapping[str, Any] | None = None,
    task: Task | None = None,
    counts: bool = True,
) -> Analysis:
    """Store the values of an analysis and make it the one that counts for its devices.

    devices
        Device id by slot.
    results
        What `Stage.analyse` gave; each is checked against what its quantity can be.
    """
    columns = columns_of_results(results, devices)
    faults = [
        f"slot {results[row].slot}, channel {results[row].channel}, {results[row].quantity}: {text}"
        for row, text in islice(value_faults(stage, columns), FAULTS_TOLD)
    ]
    if faults:
        raise AnalysisFault("\n".join(faults))
    new = NewAnalysis(
        stage=stage,
        run_file=run_file,
        values=columns,
        devices=sorted(devices.values()),
        problems=problems,
        shared=shared or {},
        parameters=parameters or {},
        task=task,
        counts=counts,
    )
    return _store([new], fits, devices)[0]


def store_analyses(batch: Sequence[NewAnalysis]) -> list[Analysis]:
    """Store many analyses in one transaction, which costs far less than one after the other.

    Where two of them are of one device and stage, the later counts. Raises `AnalysisFault`.
    """
    for new in batch:
        faults = [
            f"value {row}, {new.values.quantities[new.values.quantity[row]]}: {text}"
            for row, text in islice(value_faults(new.stage, new.values), FAULTS_TOLD)
        ]
        if faults:
            raise AnalysisFault("\n".join(faults))
    return _store(batch)


@again_after_deadlock
def _store(
    batch: Sequence[NewAnalysis], fits: Sequence[Fit] = (), slots: Mapping[int, int] = NO_SLOTS
) -> list[Analysis]:
    """All of a batch; `fits` are of its only analysis, of devices in `slots`."""
    meaning = Meaning()
    with transaction.atomic():
        devices = [
            np.unique(np.asarray(new.devices, dtype="i4") if new.devices else new.values.device)
            for new in batch
        ]
        lock_devices(np.unique(np.concatenate(devices)).tolist() if devices else [])
        # Devices are held: a record that comes now waits, and finds these values.
        done = [
            sums_before(new.run_file.run, new.stage, found.tolist())
            for new, found in zip(batch, devices, strict=True)
        ]
        batch = [
            replace(new, values=at_sums(new.values, sums))
            for new, sums in zip(batch, done, strict=True)
        ]
        analyses = Analysis.objects.bulk_create([_row(new) for new in batch])
        for analysis, sums in zip(analyses, done, strict=True):
            if sums:
                save_sums(analysis, sums)
        if fits:
            save_fits(analyses[0], fits, slots)
        written = write_measurements(MeasurementColumns.join(_measured(batch, analyses, meaning)))
        counting = [
            (analysis, found.tolist())
            for new, analysis, found in zip(batch, analyses, devices, strict=True)
            if new.counts
        ]
        count_analyses(counting, written, meaning)
    return analyses


def _row(new: NewAnalysis) -> Analysis:
    return Analysis(
        run_file=new.run_file,
        stage=new.stage.key,
        version=new.stage.version,
        code_version=mppcqa.__version__,
        parameters=dict(new.parameters),
        methods=dict(new.values.methods),
        problems=[_problem(problem) for problem in new.problems],
        shared={name: part.as_json() for name, part in new.shared.items()},
        values=len(new.values),
        counts=new.counts,
        task=new.task,
        made_by_id=new.made_by_id or (new.task.requested_by_id if new.task else None),
    )


def _measured(
    batch: Sequence[NewAnalysis], analyses: Iterable[Analysis], meaning: Meaning
) -> list[MeasurementColumns]:
    """Rows of the big table of each analysis."""
    points = condition_ids((one for new in batch for one in new.values.conditions), meaning)
    quantities: dict[str, dict[str, int]] = defaultdict(dict)
    for new in batch:
        if new.stage.key not in quantities:
            quantities[new.stage.key] = quantity_ids(new.stage, meaning)
    parts = []
    for new, analysis in zip(batch, analyses, strict=True):
        values = new.values
        ids = quantities[new.stage.key]
        quantity = np.array([ids[key] for key in values.quantities], dtype="i2")
        condition = np.array([points[one] for one in values.conditions], dtype="i4")
        statistical = np.where(np.isfinite(values.statistical), values.statistical, np.nan)
        systematic = np.zeros(len(values)) if values.systematic is None else values.systematic
        parts.append(
            MeasurementColumns(
                device=values.device.astype("i4"),
                analysis=np.full(len(values), analysis.pk, dtype="i4"),
                quantity=quantity[values.quantity] if len(values) else quantity[:0],
                channel=values.channel.astype("i2"),
                condition=condition[values.condition] if len(values) else condition[:0],
                value=values.value.astype("f8"),
                statistical=statistical,
                systematic=systematic.astype("f4"),
                bound=np.zeros(len(values), "i1")
                if values.bound is None
                else values.bound.astype("i1"),
            )
        )
    return parts


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "slot": problem.slot,
        "channel": problem.channel,
        "what": problem.what,
        "at": dict(problem.condition),
    }
