"""Values that count, of many devices at once, out of the copy: what an export of millions reads.

Rows of the database become objects of Python on their way; columns of a file do not. What counts is
asked of the database each time, so the copy may be behind, or of another database: then a part of
the devices, or all of them, are left for who asks to read there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from mppcqa.columnar import files
from mppcqa.columnar.snapshot import new_duck
from mppcqa.columnar.things import mark_of
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.models import Analysis, Standing
from mppcqa.results.reading import KINDS, NAMES

if TYPE_CHECKING:
    import duckdb

MOST_ROWS = 60_000_000
"""Values of a copy that is asked: each question goes over the devices of all of them."""
PLACES = 32_000
"""Ids that one statement names."""
ORDER = "device, analysis, quantity, channel, condition"


class CopiedValues:
    """The copy, looked at anew for each question: a long export outlives its files."""

    def __init__(self) -> None:
        self._duck: duckdb.DuckDBPyConnection | None = None
        self._layout = files.Layout()
        self._there: dict[int, str] = {}

    def _look(self) -> bool:
        """Whether there is a copy that is worth asking; it may have been replaced meanwhile."""
        layout = files.read_layout()
        if layout.analyses != self._layout.analyses:
            self._there = files.read_analyses(layout)
        self._layout = layout
        return bool(self._there) and layout.rows <= MOST_ROWS

    def of(
        self, devices: Sequence[int], quantities: Collection[int] | None = None
    ) -> tuple[MeasurementColumns, list[tuple[int, int]]] | None:
        """Values of devices (ids, ascending) by device, analysis, quantity, channel, condition, and
        what counts and is not in the copy: (device, analysis). None where there is no copy.
        """
        if not self._look():
            return None
        pairs = _counting(devices)
        known = _marks({analysis for _device, analysis in pairs})
        held = {one for one, mark in known.items() if self._there.get(one) == mark}
        mine = [pair for pair in pairs if pair[1] in held]
        left = [pair for pair in pairs if pair[1] not in held]
        return self._read(mine, quantities), left

    def _read(
        self, pairs: Sequence[tuple[int, int]], quantities: Collection[int] | None
    ) -> MeasurementColumns:
        names = [
            str(files.folder() / one.name)
            for one in self._layout.pieces
            if one.quantity is None or quantities is None or one.quantity in quantities
        ]
        if not pairs or not names:
            return MeasurementColumns(*(np.zeros(0, KINDS[name]) for name in NAMES))
        if self._duck is None:
            self._duck = new_duck()
        table = pa.table(
            {
                "device": pa.array([device for device, _analysis in pairs], pa.int32()),
                "analysis": pa.array([analysis for _device, analysis in pairs], pa.int32()),
            }
        )
        self._duck.register("asked", table)
        where, parameters = "", [names, pairs[0][0], pairs[-1][0]]
        if quantities is not None:
            where = "AND list_contains(?, quantity)"
            parameters.append(list(quantities))
        found = self._duck.sql(
            f"SELECT {', '.join(NAMES)} FROM read_parquet(?) SEMI JOIN asked "
            f"USING (device, analysis) WHERE device BETWEEN ? AND ? {where} ORDER BY {ORDER}",
            params=parameters,
        ).to_arrow_table()
        self._duck.unregister("asked")
        return MeasurementColumns(
            *(found[name].to_numpy().astype(KINDS[name], copy=False) for name in NAMES)
        )


def _counting(devices: Sequence[int]) -> list[tuple[int, int]]:
    """Device and analysis of all that counts, by device."""
    found: list[tuple[int, int]] = []
    for start in range(0, len(devices), PLACES):
        part = devices[start : start + PLACES]
        rows = Standing.objects.filter(device__in=part, analysis__isnull=False).order_by("device")
        found += rows.values_list("device_id", "analysis_id")
    return found


def _marks(analyses: Collection[int]) -> dict[int, str]:
    wanted, found = sorted(analyses), dict[int, str]()
    for start in range(0, len(wanted), PLACES):
        rows = Analysis.objects.filter(pk__in=wanted[start : start + PLACES])
        found |= {pk: mark_of(uuid) for pk, uuid in rows.values_list("pk", "uuid")}
    return found
