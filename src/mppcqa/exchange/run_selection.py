"""Part of a run file as a file of its own: ROOT, Parquet or CSV, written piece by piece."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.runfile import RunFile, RunWriter, axes_of


def cells_of(run: RunFile, slot: int | None, point: int | None) -> Iterator[tuple[Any, int, Any]]:
    """(point's conditions, slot, charges) of the cells of a selection, one after the other."""
    points = run.points()
    for (at, of_slot, _channel), _entries in run.cells("charge"):
        if slot in (None, of_slot) and point in (None, at):
            conditions = {axis: points[at].get(axis, math.nan) for axis in axes_of(run.meta)}
            yield {"point": at, **conditions}, of_slot, run.charges(at, of_slot)


def write_root(run: RunFile, path: Path, slot: int | None, point: int | None) -> None:
    """A run file of the same layout with the selection's points, charges, waveforms, currents."""
    slots = [row for row in run.slots if slot in (None, row["slot"])]
    dropped = ("entries", "checksums", "layout")
    meta = {key: value for key, value in run.meta.items() if key not in dropped}
    with RunWriter(path, {**meta, "slots": slots}) as writer:
        done: set[int] = set()

        def declare(at: int) -> None:
            if at in done:
                return
            done.add(at)
            i = int(np.flatnonzero(run.conditions["point"] == at)[0])
            writer.point(
                at,
                **{
                    name: float(run.conditions[name][i])
                    for name in run.conditions
                    if name != "point"
                },
            )

        for at, of_slot, charges in cells_of(run, slot, point):
            declare(at["point"])
            writer.charges(at["point"], of_slot, charges)
        for (at_point, of_slot, channel), _entries in run.cells("waveform"):
            if slot not in (None, of_slot) or point not in (None, at_point):
                continue
            declare(at_point)
            for part in run.iter_waveforms(at_point, of_slot, channel):
                for scale, offset in set(zip(part.scale_v, part.offset_v, strict=True)):
                    mine = (part.scale_v == scale) & (part.offset_v == offset)
                    writer.waveforms(
                        at_point, of_slot, channel, part.adc[mine],
                        scale_v=float(scale), offset_v=float(offset), event=part.event[mine],
                    )  # fmt: skip
        for curve in run.iv_curves(slot):
            writer.iv(
                curve.slot,
                curve.channel,
                curve.voltage_v,
                curve.current_a,
                temperature_c=curve.temperature_c,
                light=curve.light,
                current_uncertainty_a=curve.current_uncertainty_a,
            )
        for at_point in run.conditions["point"] if not done else ():
            declare(int(at_point))


def write_parquet(run: RunFile, path: Path, slot: int | None, point: int | None) -> None:
    """One row an event: serial, conditions, and a column a channel."""
    import pyarrow as pa
    from pyarrow import parquet

    serials = {row["slot"]: row["serial"] for row in run.slots}
    writer = None
    for at, of_slot, charges in cells_of(run, slot, point):
        n = len(charges)
        columns: dict[str, Any] = {
            "serial": pa.array([serials[of_slot]] * n).dictionary_encode(),
            **{name: np.full(n, value) for name, value in at.items()},
            **{f"charge_{i}": charges[:, i] for i in range(charges.shape[1])},
        }
        table = pa.table(columns)
        if writer is None:
            writer = parquet.ParquetWriter(path, table.schema, compression="zstd")
        writer.write_table(table)
    if writer is None:
        parquet.write_table(pa.table({"serial": pa.array([], pa.string())}), path)
    else:
        writer.close()


def write_csv(run: RunFile, path: Path, slot: int | None, point: int | None) -> None:
    """One line an event: serial, conditions, and the charge of each channel."""
    serials = {row["slot"]: row["serial"] for row in run.slots}
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        width = run.slots[0]["channels"] if run.slots else 0
        names = ("point", *axes_of(run.meta))
        writer.writerow(["serial", *names, *(f"charge_{i}" for i in range(width))])
        for at, of_slot, charges in cells_of(run, slot, point):
            lead = [serials[of_slot], *(at[name] for name in names)]
            for event in charges.tolist():
                writer.writerow([*lead, *(f"{value:.6g}" for value in event)])


Write = Callable[[RunFile, Path, int | None, int | None], None]
WRITERS: dict[str, Write] = {"root": write_root, "parquet": write_parquet, "csv": write_csv}
