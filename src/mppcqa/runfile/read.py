"""Reading a run file, a device and point at a time."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile import _index
from mppcqa.runfile._documents import meta_faults, parse
from mppcqa.runfile._opened import OpenedFile, short
from mppcqa.runfile._records import IVCurve, RateScan, Waveforms
from mppcqa.runfile._trees import Array, ColumnError
from mppcqa.runfile.layout import (
    BEGUN,
    CHECKSUMS,
    INDEX,
    META,
    READABLE,
    TREE_NUMBERS,
    RunFileError,
    axes_of,
)

SMALL_TREE = 5_000_000
"""Entries that a tree may have which is read whole (`condition`, `index`)."""
INDICES_KEPT = 16
_made: OrderedDict[tuple[str, int, int, str], _index.CellIndex] = OrderedDict()
"""Indices of files that brought none along; a page that comes back finds it here."""


class RunFile(OpenedFile):
    """A run file that is open for reading; use it in a ``with`` statement.

    Only what is asked for is read. Every basket is held against its checksum where the file has
    them. Methods raise `RunFileError` for what the file doesn't have or has damaged.

    meta
        The JSON document: run, stage, station, operator, program, slots with their serials.
    conditions
        Arrays by name (points,): ``point``, ``bias_v``, ``overvoltage_v``, ``temperature_c``,
        ``light``, ``bias_read_v``, ``temperature_set_c``, ``time_s`` and the run's further axes;
        NaN where not recorded.
    """

    def __init__(self, path: Path, *, unfinished: bool = False) -> None:
        """`unfinished` opens what a program that died has left, too."""
        super().__init__(path)
        self._indices: dict[str, _index.CellIndex] = {}
        try:
            self._begin(unfinished)
        except RunFileError as error:
            self._close()
            place = isinstance(error, ColumnError)
            raise (self._wrong(str(error)) if place else error) from None
        except Exception as error:
            self._close()
            raise self._wrong(f"is damaged: {short(error)}") from None

    def _begin(self, unfinished: bool) -> None:
        self.finished = not unfinished or META in self.keys
        text = self.text(META if self.finished else BEGUN)
        if CHECKSUMS in self.keys:
            self.read_checksums()
            self.checksums.check_meta(text)
        self.meta = parse(text, META)
        if self.meta.get("layout") not in READABLE:
            raise ColumnError(f"does not name a layout that this program reads {READABLE}", META)
        if self.meta.get("checksums") is True and not self.checksums.there:
            raise ColumnError("is missing, though meta says that it is there", CHECKSUMS)
        if faults := meta_faults(self.meta):
            raise faults[0]
        self.conditions = self._conditions()

    def _whole(self, tree: str) -> dict[str, Array]:
        table = self.table(tree)
        if table.entries > SMALL_TREE:
            raise ColumnError(f"has {table.entries} entries; at most {SMALL_TREE}", tree)
        return {
            branch.name: self.read(tree, branch.name, 0, table.entries)
            for branch in self.layout(tree).branches
            if branch.required or branch.name in table.columns
        }

    def _conditions(self) -> dict[str, Array]:
        if not self.finished and "condition" not in self.keys:
            return {b.name: np.empty(0, b.kind) for b in self.layout("condition").branches}
        rows = self._whole("condition")
        missing = np.full(len(rows["point"]), np.nan)
        return {
            branch.name: rows.get(branch.name, missing)
            for branch in self.layout("condition").branches
        }

    def points(self) -> dict[int, dict[str, float]]:
        """Each measuring point's value on every axis that applies to it."""
        columns = {key: self.conditions[key].tolist() for key in axes_of(self.meta)}
        return {
            int(number): {
                key: column[row] for key, column in columns.items() if math.isfinite(column[row])
            }
            for row, number in enumerate(self.conditions["point"])
        }

    def index(self, tree: str) -> _index.CellIndex:
        """Where in a tree the entries of a cell lie: brought by the file, or made once."""
        if tree not in self._indices:
            if INDEX in self.keys and self.finished:
                rows = self._whole(INDEX)
                self._indices[tree] = _index.from_rows(
                    rows, TREE_NUMBERS[tree], self.table(tree).entries
                )
            else:
                self._indices[tree] = self._made_index(tree)
        return self._indices[tree]

    def _made_index(self, tree: str) -> _index.CellIndex:
        for name in _index.KEYS[tree]:
            self.column(tree, name)
        status = self.path.stat()
        key = (str(self.path.resolve()), status.st_mtime_ns, status.st_size, tree)
        if key not in _made:
            _made[key] = _index.build(self.table(tree))
            while len(_made) > INDICES_KEPT:
                _made.popitem(last=False)
        return _made[key]

    def _cell(self, tree: str, key: tuple[int, ...], columns: Sequence[str]) -> dict[str, Array]:
        """Columns of the entries of a cell."""
        start, stop = self.index(tree).ranges(*key)
        return self._rows(tree, key, columns, start, stop)

    def _rows(
        self,
        tree: str,
        key: tuple[int, ...],
        columns: Sequence[str],
        start: NDArray[np.int64],
        stop: NDArray[np.int64],
    ) -> dict[str, Array]:
        names = _index.KEYS[tree][: len(key)]
        rows: dict[str, Array] = {}
        for name in (*names, *columns):
            dtype = self.column(tree, name)
            try:
                values = _index.take(self.table(tree), name, start, stop)
            except RunFileError:
                raise
            except Exception as error:
                raise ColumnError(f"can't be read: {short(error)}", tree, name) from None
            rows[name] = values.reshape(-1, *dtype.shape)
        for name, value in zip(names, key, strict=True):
            if (rows[name] != value).any():
                raise ColumnError(f"leads to entries of another {name}", INDEX)
        return rows

    @property
    def slots(self) -> list[dict[str, Any]]:
        """What sat in each slot: ``slot``, ``serial``, ``channels``."""
        slots: list[dict[str, Any]] = self.meta["slots"]
        return slots

    def cells(self, tree: str = "charge") -> list[tuple[tuple[int, int, int], int]]:
        """((point, slot, channel), entries) of all that the tree holds, in order.

        The channel is -1 in `charge`; in `iv` the curve's number stands in place of the point.
        """
        if not self.has(tree):
            return []
        keys, entries = self.index(tree).cells()
        rows = [(int(a), int(b), int(c)) for a, b, c in keys]
        return list(zip(rows, entries.tolist(), strict=True))

    def charges(
        self, point: int, slot: int, channels: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Charges (events, channels) of the device in a slot at a point; empty if none.

        `channels` selects some; all of a device lie together and are read together.
        """
        if not self.has("charge"):
            return np.empty((0, 0), np.float32)
        found: NDArray[np.float32] = self._cell("charge", (point, slot), ["charge"])["charge"]
        if not len(found):
            return np.empty((0, 0), np.float32)
        return found if channels is None else found[:, list(channels)]

    def event_times(self, point: int, slot: int) -> NDArray[np.float64]:
        """Trigger times (events,) in seconds since the run's beginning; empty if not recorded."""
        if not self.has("charge") or "time_s" not in self.table("charge").columns:
            return np.empty(0)
        found: NDArray[np.float64] = self._cell("charge", (point, slot), ["time_s"])["time_s"]
        return found

    def event_count(self, point: int, slot: int) -> int:
        """How many events of the device in a slot there are at a point."""
        if not self.has("charge"):
            return 0
        start, stop = self.index("charge").ranges(point, slot)
        return int((stop - start).sum())

    def waveform_count(self, point: int, slot: int, channel: int) -> int:
        """How many waveforms of a channel at a point there are."""
        if not self.has("waveform"):
            return 0
        start, stop = self.index("waveform").ranges(point, slot, channel)
        return int((stop - start).sum())

    def waveforms(
        self, point: int, slot: int, channel: int, first: int = 0, count: int | None = None
    ) -> Waveforms:
        """Waveforms of one channel at a point: `count` of them from the `first`, or all."""
        start, stop = (np.empty(0, np.int64),) * 2
        if self.has("waveform"):
            start, stop = self.index("waveform").ranges(point, slot, channel)
        length = stop - start
        begins = np.cumsum(length) - length
        last = int(length.sum()) if count is None else first + count
        low, high = np.clip(first - begins, 0, length), np.clip(last - begins, 0, length)
        kept = high > low
        start, stop = (start + low)[kept], (start + high)[kept]
        about = self.meta.get("waveform", {})
        sampling = float(about.get("sampling_s", np.nan))
        begin_s = float(about.get("first_sample_s", 0.0))
        if not len(start):
            none = np.empty(0)
            adc = np.empty((0, int(about.get("samples", 0))), np.int16)
            return Waveforms(adc, none, none, np.empty(0, np.int32), sampling, begin_s)
        columns = ["adc", "scale_v", "offset_v", "event"]
        rows = self._rows("waveform", (point, slot, channel), columns, start, stop)
        adc, scale, offset, event = (rows[name] for name in columns)
        return Waveforms(adc, scale, offset, event, sampling, begin_s)

    def iter_waveforms(
        self, point: int, slot: int, channel: int, at_once: int = 1000
    ) -> Iterator[Waveforms]:
        """Waveforms of one channel at a point, `at_once` at a time."""
        for first in range(0, self.waveform_count(point, slot, channel), at_once):
            yield self.waveforms(point, slot, channel, first, at_once)

    def iv_curves(self, slot: int | None = None, channel: int | None = None) -> list[IVCurve]:
        """Current-voltage curves, in the order measured; of a slot or channel if given."""
        curves = []
        for (number, of_slot, of_channel), _ in self.cells("iv"):
            if slot not in (None, of_slot) or channel not in (None, of_channel):
                continue
            names = ["voltage_v", "current_a", "current_uncertainty_a", "temperature_c", "light"]
            rows = self._cell("iv", (number, of_slot, of_channel), names)
            curves.append(
                IVCurve(
                    number,
                    of_slot,
                    of_channel,
                    float(rows["temperature_c"].mean()),
                    float(rows["light"][0]),
                    *(rows[name] for name in names[:3]),
                )
            )
        return curves

    def staircases(self, slot: int) -> list[RateScan]:
        """Rates against threshold of a slot's channels, at each point."""
        names = ["threshold", "rate_hz", "rate_uncertainty_hz"]
        found = []
        for key, _entries in self.cells("staircase"):
            if key[1] == slot:
                rows = self._cell("staircase", key, names)
                found.append(RateScan(*key, *(rows[name] for name in names)))
        return found

    @property
    def sensors(self) -> list[dict[str, Any]]:
        """What was monitored: ``sensor``, ``name``, ``unit``, ``slot`` where it belongs to one."""
        return list(self.meta.get("sensors", []))

    def monitor(self, sensor: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times in seconds since the run's beginning, and values, of a sensor's readings."""
        times, values = [np.empty(0)], [np.empty(0)]
        if self.has("monitor"):
            for rows in self.chunks("monitor", ["time_s", "sensor", "value"]):
                mine = rows["sensor"] == sensor
                times.append(rows["time_s"][mine])
                values.append(rows["value"][mine])
        return np.concatenate(times), np.concatenate(values)
