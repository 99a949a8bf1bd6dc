"""Which analysis counts for a device at a stage, and who is told when that changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.db import transaction

from mppcqa.database.retry import again_after_deadlock
from mppcqa.inventory.locks import lock_devices
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Analysis, Standing
from mppcqa.results.reading import read_values
from mppcqa.results.references import Meaning
from mppcqa.results.signals import counting_changed
from mppcqa.runs.models import RunSlot

BATCH = 5000


@dataclass(frozen=True)
class CountingChange:
    """What the rooms above are told: values that count no longer, and those that do now."""

    lost: MeasurementColumns | None
    gained: MeasurementColumns
    meaning: Meaning


@again_after_deadlock
def make_count(analysis: Analysis, devices: Iterable[int] | None = None) -> None:
    """Make an analysis that is stored the one that counts, for all of its devices or some.

    Verdicts stay what they are until `judging.judge` is called.
    """
    with transaction.atomic():
        if devices is None:
            devices = devices_of(analysis)
        wanted = sorted(set(devices))
        lock_devices(wanted)
        count_analyses([(analysis, wanted)], read_values(wanted, analyses=[analysis.pk]))


def devices_of(analysis: Analysis) -> list[int]:
    """Devices that were in the run of an analysis, or that it counts for."""
    run = analysis.run_file.run_id
    slots = RunSlot.objects.filter(run=run).values_list("device", flat=True) if run else []
    counted = Standing.objects.filter(analysis=analysis).values_list("device", flat=True)
    return sorted({*slots, *counted})


def count_analyses(
    counting: Sequence[tuple[Analysis, Sequence[int]]],
    values: MeasurementColumns,
    meaning: Meaning | None = None,
) -> None:
    """Make analyses count for their devices (ids), and tell the summaries.

    `values` has at least all values of these analyses and devices, in the order of the key;
    `meaning` what of their ids the caller has found in this transaction. The caller holds the
    devices (`lock_devices`) in its transaction.
    """
    if not counting:
        return
    _mark_analyses([analysis for analysis, _devices in counting])
    lost: dict[int, list[int]] = defaultdict(list)
    winners: dict[int, set[int]] = {analysis.pk: set() for analysis, _devices in counting}
    by_stage: dict[str, dict[int, int]] = defaultdict(dict)
    for analysis, devices in counting:
        by_stage[analysis.stage].update(dict.fromkeys(devices, analysis.pk))
    for stage, wanted in by_stage.items():
        former = _formerly(stage, sorted(wanted))
        new: dict[int, list[int]] = defaultdict(list)
        for device, analysis_id in wanted.items():
            if former.get(device) == analysis_id:
                continue
            winners[analysis_id].add(device)
            new[analysis_id].append(device)
            if device in former:
                lost[former[device]].append(device)
        _stand(stage, new, former)
    gone = [read_values(sorted(devices), analyses=[old]) for old, devices in sorted(lost.items())]
    change = CountingChange(
        lost=MeasurementColumns.join(gone) if gone else None,
        gained=_gained(counting, values, winners),
        meaning=meaning or Meaning(),
    )
    counting_changed.send(Analysis, change=change)


def _gained(
    counting: Sequence[tuple[Analysis, Sequence[int]]],
    values: MeasurementColumns,
    winners: dict[int, set[int]],
) -> MeasurementColumns:
    """The values that count now; nearly always all of them."""
    everything = sum(len(analysis_devices) for _analysis, analysis_devices in counting)
    if everything == sum(map(len, winners.values())) and set(
        np.unique(values.analysis).tolist()
    ) <= set(winners):
        return values
    mask = np.zeros(len(values), bool)
    for analysis_id, devices in winners.items():
        mask |= (values.analysis == analysis_id) & np.isin(values.device, list(devices))
    return values.take(mask)


def _mark_analyses(analyses: Sequence[Analysis]) -> None:
    """`Analysis.counts` of these, and no longer of others of the same files and stages."""
    files = {analysis.run_file_id: analysis for analysis in analyses}
    for start in range(0, len(analyses), BATCH):
        part = analyses[start : start + BATCH]
        Analysis.objects.filter(
            run_file__in={one.run_file_id for one in part},
            stage__in={one.stage for one in part},
            counts=True,
        ).exclude(pk__in=[files[one.run_file_id].pk for one in part]).update(counts=False)
    unmarked = [one.pk for one in analyses if not one.counts]
    if unmarked:
        Analysis.objects.filter(pk__in=unmarked).update(counts=True)
        for one in analyses:
            one.counts = True


def _formerly(stage: str, devices: list[int]) -> dict[int, int]:
    """Device -> id of the analysis that counts until now."""
    return {
        device: analysis
        for start in range(0, len(devices), BATCH)
        for device, analysis in Standing.objects.filter(
            device__in=devices[start : start + BATCH], stage=stage
        ).values_list("device", "analysis")
    }


def _stand(stage: str, new: dict[int, list[int]], former: dict[int, int]) -> None:
    fresh = []
    for analysis, devices in new.items():
        there = [device for device in devices if device in former]
        for start in range(0, len(there), BATCH):
            Standing.objects.filter(device__in=there[start : start + BATCH], stage=stage).update(
                analysis=analysis
            )
        fresh += [
            Standing(device_id=device, stage=stage, analysis_id=analysis)
            for device in devices
            if device not in former
        ]
    Standing.objects.bulk_create(fresh, batch_size=1000)
