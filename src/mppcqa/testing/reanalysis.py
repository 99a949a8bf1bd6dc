"""Analysing run files anew, comparing old with new, and making the new count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.queue.actions import Call, submit, submit_group
from mppcqa.queue.models import TaskGroup
from mppcqa.stages import get_stage
from mppcqa.testing.counting import devices_of, make_count
from mppcqa.testing.grading import grade
from mppcqa.testing.judging import judge, limits_of
from mppcqa.testing.models import Analysis, QuantityRow, Run, RunFile, Standing
from mppcqa.testing.reading import read_values
from mppcqa.testing.selection import chosen_devices, whole_number

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.queue.models import Task

MOST_FILES = 5000
BINS = 40
ROUNDING = 1e-9
"""Part of a value below which a difference is not one of the analysis."""
PIECE = 500
Told = Callable[[int, int], None]


class ReanalysisRefused(ValueError):
    """Nothing was begun; the message says why."""


def chosen_files(filters: Mapping[str, str]) -> QuerySet[RunFile]:
    """Run files of one stage whose runs held a device that `filters` choose, or of chosen runs.

    ``stage`` is needed; ``station`` and ``runs`` (numbers with commas) narrow the runs, and the
    devices' filters (``q``, ``type``, ``place``, ``tray``, ``lot``, ``tag``, ``outcome``) the rest.
    """
    runs = Run.objects.filter(stage=filters.get("stage", ""))
    if station := filters.get("station"):
        runs = runs.filter(station__name=station)
    if numbers := filters.get("runs"):
        wanted = map(whole_number, numbers.split(","))
        runs = runs.filter(pk__in=[number for number in wanted if number is not None])
    by_device = {
        name: filters[name]
        for name in ("q", "type", "place", "tray", "lot", "tag", "outcome")
        if filters.get(name)
    }
    if by_device:
        if "outcome" in by_device:
            by_device["stage"] = filters["stage"]
        runs = runs.filter(pk__in=chosen_devices(by_device).values("run_slots__run"))
    return RunFile.objects.filter(kind=RunFile.Kind.RUN, run__in=runs.values("pk"))


def start_reanalysis(
    filters: Mapping[str, str],
    settings: Mapping[str, Any] | None = None,
    *,
    title: str = "",
    by: AbstractBaseUser | None = None,
) -> TaskGroup:
    """A task for each chosen run file; what they yield does not count before `ask_count`.

    `settings` are those that the stage declares; what is not given has its default.
    """
    stage = get_stage(filters.get("stage", ""))
    try:
        chosen = stage.clean_settings(settings or {})
    except ValueError as error:
        raise ReanalysisRefused(str(error)) from None
    files = list(
        chosen_files(filters).order_by("pk").values_list("pk", flat=True)[: MOST_FILES + 1]
    )
    if not files:
        raise ReanalysisRefused(_("No run file fits these filters."))
    if len(files) > MOST_FILES:
        raise ReanalysisRefused(
            _("More than %d run files fit. Narrow the filters, and do it in parts.") % MOST_FILES
        )
    calls = [
        Call("testing.reanalyse", {"file_id": pk, "settings": chosen}, priority=2) for pk in files
    ]
    name = title.strip() or _("%(stage)s, version %(version)s")
    return submit_group(
        calls,
        title="reanalysis: " + (name % {"stage": _(stage.title), "version": stage.version})[:150],
        by=by,
        about=None,
    )


def reanalyses() -> QuerySet[TaskGroup]:
    """Groups of re-analysis, the newest first."""
    return TaskGroup.objects.filter(title__startswith="reanalysis: ").order_by("-pk")


def new_analyses(group: TaskGroup) -> list[Analysis]:
    """What a group has yielded so far, one a run file."""
    rows = Analysis.objects.filter(task__group=group).select_related("run_file").order_by("pk")
    return list({row.run_file_id: row for row in rows}.values())


def compare(group: TaskGroup, told: Told = lambda done, total: None) -> dict[str, Any]:
    """New values against those that count now, quantity by quantity; plain JSON.

    A quantity has ``n`` values in common, ``only_old`` and ``only_new``, and of new - old the
    ``offset`` (mean), ``scatter`` (standard deviation), ``largest``, the ``pull`` (standard
    deviation of the differences in units of the new uncertainty) and a histogram. ``moves`` is
    [from, to, devices] as for limits.
    """
    differences: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    errors: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
    alone: Counter[tuple[int, str]] = Counter()
    moves: Counter[tuple[str, str]] = Counter()
    analyses = new_analyses(group)
    for number, analysis in enumerate(analyses):
        devices = devices_of(analysis)
        for quantity, difference, error, old, new in _differences(analysis, devices):
            differences[quantity].append(difference)
            errors[quantity].append(error)
            alone[quantity, "old"] += old
            alone[quantity, "new"] += new
        moves.update(_moves(analysis, devices))
        told(number + 1, len(analyses))
    rows = QuantityRow.objects.in_bulk(list(differences))
    return {
        "analyses": [analysis.pk for analysis in analyses],
        "quantities": [
            {
                "key": rows[pk].key,
                "only_old": alone[pk, "old"],
                "only_new": alone[pk, "new"],
                **_summary(np.concatenate(differences[pk]), np.concatenate(errors[pk])),
            }
            for pk in sorted(differences)
        ],
        "moves": [[*pair, n] for pair, n in sorted(moves.items())],
    }


def _differences(
    analysis: Analysis, devices: list[int]
) -> Iterator[tuple[int, NDArray[np.float64], NDArray[np.float64], int, int]]:
    new = read_values(devices, analyses=[analysis.pk])
    standing = Standing.objects.filter(device__in=devices, stage=analysis.stage)
    by_old: dict[int, list[int]] = defaultdict(list)
    for device, old in standing.values_list("device", "analysis"):
        by_old[old].append(device)
    for old_id, members in by_old.items():
        if old_id == analysis.pk:
            continue
        old = read_values(members, analyses=[old_id])
        here = new.take(np.isin(new.device, members))
        for quantity in np.union1d(np.unique(old.quantity), np.unique(here.quantity)).tolist():
            a, b = (part.take(part.quantity == quantity) for part in (old, here))
            _both, at, bt = np.intersect1d(_keys(a), _keys(b), return_indices=True)
            difference = b.value[bt] - a.value[at]
            # The order of a sum is no difference of the analysis.
            difference[np.abs(difference) <= ROUNDING * np.abs(a.value[at])] = 0
            yield (
                quantity,
                difference,
                b.uncertainty[bt],
                len(a) - len(at),
                len(b) - len(bt),
            )


def _keys(columns: Any) -> NDArray[np.int64]:
    """Device, channel and condition as one number each."""
    return (
        columns.device.astype(np.int64) << 40
        | (columns.channel.astype(np.int64) + 1) << 28
        | columns.condition.astype(np.int64)
    )


def _moves(analysis: Analysis, devices: list[int]) -> Counter[tuple[str, str]]:
    stage = get_stage(analysis.stage)
    standing = Standing.objects.filter(device__in=devices, stage=analysis.stage)
    now = dict(standing.values_list("device", "outcome"))
    moves: Counter[tuple[str, str]] = Counter()
    for limit_set, members in limits_of(stage, devices):
        found = grade(stage, limit_set, dict.fromkeys(members, analysis.pk))
        moves.update((now.get(device, ""), one.value) for device, (one, _d) in found.items())
    return moves


def _summary(difference: NDArray[np.float64], error: NDArray[np.float64]) -> dict[str, Any]:
    if not len(difference):
        return {"n": 0}
    edges = np.histogram_bin_edges(difference, BINS)
    counts, edges = np.histogram(difference, edges)
    known = np.isfinite(error) & (error > 0)
    pull = float(np.std(difference[known] / error[known])) if known.sum() > 1 else None
    return {
        "n": len(difference),
        "offset": float(difference.mean()),
        "scatter": float(difference.std()),
        "largest": float(np.abs(difference).max()),
        "pull": pull,
        "edges": edges.tolist(),
        "counts": counts.tolist(),
    }


def ask_compare(group: TaskGroup, *, by: AbstractBaseUser | None = None) -> Task:
    """Compare as a task; its result is what `compare` gives."""
    return submit("testing.compare", {"group_id": group.pk}, by=by, about=group)


def ask_count(group: TaskGroup, *, by: AbstractBaseUser | None = None) -> Task:
    """Make what a group yielded the analyses that count, and judge by them, as a task."""
    if not group.state.value == "succeeded":
        raise ReanalysisRefused(_("Not all tasks of the group succeeded: repeat those first."))
    return submit(
        "testing.make_count", {"group_id": group.pk}, by=by, about=group, key=f"count:{group.pk}"
    )


def count(group: TaskGroup, told: Told = lambda done, total: None) -> int:
    """What that task does; returns how many analyses count. May be called again."""
    analyses = new_analyses(group)
    for number, analysis in enumerate(analyses):
        devices = devices_of(analysis)
        make_count(analysis, devices)
        for start in range(0, len(devices), PIECE):
            judge(analysis, devices[start : start + PIECE])
        told(number + 1, len(analyses))
    return len(analyses)
