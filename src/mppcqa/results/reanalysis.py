"""Analysing run files anew, and comparing old values with new ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.inventory.scope import Viewer
from mppcqa.queue.actions import Call, submit_group
from mppcqa.queue.models import TaskGroup
from mppcqa.refused import Refused
from mppcqa.results.models import Analysis, QuantityRow, Standing
from mppcqa.results.reading import read_values
from mppcqa.results.selection import DEVICE_FILTERS, chosen_devices, whole_number
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import get_stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


MOST_FILES = 5000
BINS = 40
ROUNDING = 1e-9
"""Part of a value below which a difference is not one of the analysis."""


class ReanalysisRefused(Refused):
    """Nothing was begun; the message says why."""


def chosen_files(filters: Mapping[str, str], viewer: Viewer) -> QuerySet[RunFile]:
    """Run files of one stage whose runs held a device that `filters` choose, or of chosen runs.

    ``stage`` is needed; ``station`` and ``runs`` (numbers with commas) narrow the runs, and the
    devices' filters (all of `DEVICE_FILTERS`) the rest.
    """
    runs = Run.objects.visible_to(viewer).filter(stage=filters.get("stage", ""))
    if station := filters.get("station"):
        runs = runs.filter(station__name=station)
    if numbers := filters.get("runs"):
        wanted = map(whole_number, numbers.split(","))
        runs = runs.filter(pk__in=[number for number in wanted if number is not None])
    by_device = {
        name: filters[name] for name in DEVICE_FILTERS if name != "stage" and filters.get(name)
    }
    if by_device:
        if "outcome" in by_device:
            by_device["stage"] = filters["stage"]
        runs = runs.filter(pk__in=chosen_devices(by_device, viewer).values("run_slots__run"))
    kinds = (RunFile.Kind.RUN, RunFile.Kind.CHECKLIST)
    return RunFile.objects.filter(kind__in=kinds, run__in=runs.values("pk")).exclude(file="")


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
        chosen_files(filters, by).order_by("pk").values_list("pk", flat=True)[: MOST_FILES + 1]
    )
    if not files:
        raise ReanalysisRefused(_("No run file fits these filters."))
    if len(files) > MOST_FILES:
        raise ReanalysisRefused(
            _("More than %d run files fit. Narrow the filters, and do it in parts.") % MOST_FILES
        )
    calls = [
        Call("results.reanalyse", {"file_id": pk, "settings": chosen}, priority=2) for pk in files
    ]
    usual = {"stage": _(stage.title), "version": stage.version}
    name = title.strip() or _("%(stage)s, version %(version)s") % usual
    return submit_group(
        calls,
        title="reanalysis: " + name[:150],
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


class Comparison:
    """New values against those that count now, quantity by quantity, an analysis at a time."""

    def __init__(self) -> None:
        self._differences: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
        self._errors: dict[int, list[NDArray[np.float64]]] = defaultdict(list)
        self._alone: Counter[tuple[int, str]] = Counter()

    def add(self, analysis: Analysis, devices: list[int]) -> None:
        """Take a new analysis and its devices (ids) in."""
        for quantity, difference, error, old, new in _differences(analysis, devices):
            self._differences[quantity].append(difference)
            self._errors[quantity].append(error)
            self._alone[quantity, "old"] += old
            self._alone[quantity, "new"] += new

    def quantities(self) -> list[dict[str, Any]]:
        """Plain JSON: a quantity has ``n`` values in common, ``only_old`` and ``only_new``, and of
        new - old the ``offset`` (mean), ``scatter`` (standard deviation), ``largest``, the ``pull``
        (standard deviation of the differences in units of the new uncertainty) and a histogram.
        """
        rows = QuantityRow.objects.in_bulk(list(self._differences))
        return [
            {
                "key": rows[pk].key,
                "only_old": self._alone[pk, "old"],
                "only_new": self._alone[pk, "new"],
                **_summary(np.concatenate(self._differences[pk]), np.concatenate(self._errors[pk])),
            }
            for pk in sorted(self._differences)
        ]


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
        former = read_values(members, analyses=[old_id])
        here = new.take(np.isin(new.device, members))
        for quantity in np.union1d(np.unique(former.quantity), np.unique(here.quantity)).tolist():
            a, b = (part.take(part.quantity == quantity) for part in (former, here))
            _both, at, bt = np.intersect1d(_keys(a), _keys(b), return_indices=True)
            difference = b.value[bt] - a.value[at]
            # The order of a sum is no difference of the analysis.
            difference[np.abs(difference) <= ROUNDING * np.abs(a.value[at])] = 0
            yield (
                quantity,
                difference,
                b.total[bt],
                len(a) - len(at),
                len(b) - len(bt),
            )


def _keys(columns: Any) -> NDArray[np.int64]:
    """Device, channel and condition as one number each."""
    keys: NDArray[np.int64] = (
        columns.device.astype(np.int64) << 40
        | (columns.channel.astype(np.int64) + 1) << 28
        | columns.condition.astype(np.int64)
    )
    return keys


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
