"""A run file from what a program that died has left."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mppcqa.disk import settle
from mppcqa.runfile import _index
from mppcqa.runfile.layout import RunFileError
from mppcqa.runfile.read import RunFile
from mppcqa.runfile.write import RunWriter

AT_ONCE = 2000


def recover(source: Path, target: Path) -> dict[str, int]:
    """Copy all whole entries of an unfinished run file into a new one; entries by tree.

    The new file's meta has ``"recovered": true``. Entries whose point had not been written are left
    out, so that the new file passes the checker. Raises `RunFileError` if nothing can be had.
    """
    # The writer's own unfinished file would be the source where `target` is the run's final name.
    fresh = target.with_name(target.name + ".recovered")
    with RunFile(source, unfinished=True) as run:
        if run.finished:
            raise RunFileError(f"{source.name} is finished, there is nothing to recover")
        with RunWriter(fresh, {**run.meta, "recovered": True}) as writer:
            points = _points(run, writer)
            _charges(run, writer, points)
            _waveforms(run, writer, points)
            for curve in run.iv_curves():
                writer.iv(
                    curve.slot,
                    curve.channel,
                    curve.voltage_v,
                    curve.current_a,
                    temperature_c=curve.temperature_c,
                    light=curve.light,
                    current_uncertainty_a=curve.current_uncertainty_a,
                )
            for sensor in run.sensors:
                writer.monitor(sensor["sensor"], *run.monitor(sensor["sensor"]))
    settle(fresh, target)
    with RunFile(target) as made:
        return dict(made.meta["entries"])


def _points(run: RunFile, writer: RunWriter) -> set[int]:
    names = [name for name in run.conditions if name != "point"]
    for i, point in enumerate(run.conditions["point"].tolist()):
        writer.point(point, **{name: float(run.conditions[name][i]) for name in names})
    return set(run.conditions["point"].tolist())


def _charges(run: RunFile, writer: RunWriter, points: set[int]) -> None:
    if not run.has("charge"):
        return
    timed = "time_s" in run.table("charge").columns
    names = ["point", "slot", "charge", *(["time_s"] if timed else [])]
    for rows in run.chunks("charge", names):
        keys = np.stack([rows["point"], rows["slot"]], axis=1)
        for start, stop in _index.runs(keys):
            point, slot = (int(value) for value in keys[start])
            if point in points:
                times = rows["time_s"][start:stop] if timed else None
                writer.charges(point, slot, rows["charge"][start:stop], times)


def _waveforms(run: RunFile, writer: RunWriter, points: set[int]) -> None:
    for (point, slot, channel), _ in run.cells("waveform"):
        if point not in points:
            continue
        for part in run.iter_waveforms(point, slot, channel, AT_ONCE):
            settings = np.stack([part.scale_v, part.offset_v], axis=1)
            for start, stop in _index.runs(settings):
                writer.waveforms(
                    point,
                    slot,
                    channel,
                    part.adc[start:stop],
                    scale_v=float(settings[start, 0]),
                    offset_v=float(settings[start, 1]),
                    event=part.event[start:stop],
                )
