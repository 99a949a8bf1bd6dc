"""How soon an answer of the columnar copy is right after a change, and what the copy costs the
ingest: part of BENCH=explore. The filled database is left as it was, but for analyses that came."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np

DEVICES, TURNS, ANALYSES = 40, 8, 8
LIMIT_S = 60.0
LOOK_S = 0.1


def measure(rng: np.random.Generator) -> dict[str, Any]:
    """Seconds until each kind of change is in the answer, and the ingest with and without."""
    return {"fresh_s": _fresh(rng)} | _ingest(rng)


def _fresh(rng: np.random.Generator) -> dict[str, float]:
    """Kind of change -> seconds from its commit to an answer that is SQL's."""
    from benchmarks import database_fill as made_up
    from benchmarks.explore_measures import measure_of
    from mppcqa.columnar.questions import Chosen
    from mppcqa.inventory.models import Device, Lot, Tag
    from mppcqa.limits.judging import active_limits, judge_again
    from mppcqa.results.models import Outcome
    from mppcqa.stages import get_stage

    gain, tag = measure_of("pde", "gain_adc", 1), Tag.objects.get()
    lot, other = Lot.objects.order_by("pk")[:2]
    few = list(Device.objects.filter(lot=lot).order_by("pk").values_list("pk", flat=True)[:DEVICES])
    of_lot, tagged = Chosen(ids={"lot": (lot.pk,)}), Chosen(tags=(tag.pk,))
    failing = Chosen(outcomes=(Outcome.FAIL.value,))
    own = set(tag.devices.filter(pk__in=few).values_list("pk", flat=True))

    found = {"ingest": _until_right(lambda: _store([few[:4]], rng), gain, of_lot)}
    moved = Device.objects.filter(pk__in=few)
    found["lot"] = _until_right(lambda: moved.update(lot=other), gain, of_lot)
    moved.update(lot=lot)
    with mock.patch.object(made_up, "BAD", 1.0):
        _store([few[4:8]], rng)
    stage = get_stage("pde")
    found["verdict"] = _until_right(
        lambda: judge_again(stage, active_limits(stage), few[4:8]), gain, failing
    )
    found["tag"] = _until_right(lambda: tag.devices.add(*few), gain, tagged)
    tag.devices.remove(*(pk for pk in few if pk not in own))
    return found


def _until_right(change: Callable[[], Any], measured: Any, chosen: Any) -> float:
    from benchmarks import explore_sql as sql
    from mppcqa.columnar.questions import Questions

    def answer() -> tuple[float, float]:
        rows = Questions(chosen=chosen).summary(measured)
        return (rows[0].n, rows[0].mean) if rows else (0, 0.0)

    answer()  # all is at hand, as where people ask all day
    change()
    began = time.perf_counter()
    wanted = sql.summary(measured, chosen)
    sql_s = time.perf_counter() - began
    while not np.allclose(answer(), wanted, rtol=1e-9):
        if time.perf_counter() - began > LIMIT_S:
            return LIMIT_S
        time.sleep(LOOK_S)
    # What SQL took is no delay of the copy, which could have been asked meanwhile.
    return round(max(0.0, time.perf_counter() - began - sql_s), 2)


def _store(groups: list[list[int]], rng: np.random.Generator) -> None:
    from benchmarks import database_fill as made_up
    from mppcqa.results.ingest import NewAnalysis, store_analyses
    from mppcqa.stages import get_stage

    files = made_up.new_runs("pde", groups)
    store_analyses(
        [
            NewAnalysis(
                stage=get_stage("pde"),
                run_file=file,
                values=made_up.stage_values("pde", group, rng),
                devices=group,
            )
            for file, group in zip(files, groups, strict=True)
        ]
    )


def _ingest(rng: np.random.Generator) -> dict[str, float]:
    """The same ingest while the copy follows and while nobody does, in turns."""
    from mppcqa.inventory.models import Device

    ids = list(Device.objects.order_by("-pk").values_list("pk", flat=True)[: 4 * ANALYSES])
    groups = [ids[at : at + 4] for at in range(0, len(ids), 4)]
    _store(groups, rng)
    took: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    for turn in range(2 * TURNS):
        follows = turn % 2 == 1
        child = None
        if follows:
            command = [sys.executable, "-m", "mppcqa.cli", "columns", "follow"]
            child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        began = np.array([time.process_time(), time.perf_counter()])
        _store(groups, rng)
        spent = np.array([time.process_time(), time.perf_counter()]) - began
        took[follows].append((spent[0], spent[1]))
        if child is not None:
            child.wait()
    found = {}
    for at, kind in enumerate(("cpu", "wall")):
        alone, beside = (statistics.median(s[at] for s in took[one]) for one in (False, True))
        found[f"ingest_{kind}_ms"] = round(1000 * alone / ANALYSES, 1)
        found[f"ingest_{kind}_ratio_with_copy"] = round(beside / alone, 3)
    return found
