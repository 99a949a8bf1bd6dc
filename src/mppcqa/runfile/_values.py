"""Checks of a tree's values, a chunk at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from mppcqa.runfile._opened import OpenedFile
from mppcqa.runfile._trees import Array, ColumnError
from mppcqa.runfile.layout import META, WHOLE_DEVICE, Tree

NOT_FINITE_SHARE = 0.01
"""Share of a run's events that may have a charge that is not finite."""
POINT_LIMIT = 1_000_000


class TreeCheck:
    """One tree of a file against its layout, the run's meta document and its points."""

    def __init__(
        self,
        file: OpenedFile,
        tree: Tree,
        columns: list[str],
        meta: dict[str, Any],
        points: set[int] | None,
    ) -> None:
        self.file, self.tree, self.columns = file, tree, columns
        self.known: dict[str, tuple[Array, str]] = {}
        self.points: set[int] | None = None
        self._first: dict[tuple[str, str], tuple[int, int]] = {}
        rows = meta.get("slots", [])
        self.slots = {
            row["slot"]: row["channels"]
            for row in (rows if isinstance(rows, list) else [])
            if isinstance(row, dict)
            and isinstance(row.get("slot"), int)
            and isinstance(row.get("channels"), int)
        }
        if points is not None:
            self.known["point"] = (_sorted(points), "condition")
        if self.slots:
            self.known["slot"] = (_sorted(self.slots), META)
        sensors = meta.get("sensors", [])
        if tree.name == "monitor" and isinstance(sensors, list):
            numbers = [row.get("sensor") for row in sensors if isinstance(row, dict)]
            self.known["sensor"] = (_sorted(n for n in numbers if isinstance(n, int)), META)
        self.meta = meta

    def run(self) -> list[ColumnError]:
        """All that is wrong, the first entry of each kind."""
        faults = self._shape()
        table = self.file.table(self.tree.name)
        if self.tree.name == "condition" and table.entries > POINT_LIMIT:
            return [*faults, self._error(f"has {table.entries} points; at most {POINT_LIMIT}")]
        start = 0
        seen: list[Array] = []
        for chunk in self.file.chunks(self.tree.name, self.columns):
            for branch in self.columns:
                self._column(branch, chunk[branch], start)
            if self.tree.name == "condition":
                seen.append(chunk["point"])
            start += len(chunk[self.columns[0]])
        if self.tree.name == "condition":
            faults += self._points(np.concatenate(seen) if seen else np.empty(0, np.int32))
        for (branch, what), (count, entry) in self._first.items():
            if what == "charge" and count <= NOT_FINITE_SHARE * start:
                continue
            text = {
                "charge": f"{count} of {start} entries have charges that are not finite",
                "finite": f"{count} values are not finite",
                "channel": f"{count} entries name a channel that their slot does not have",
            }.get(what, f"{what} ({count} entries)")
            faults.append(self._error(text, branch, entry))
        return faults

    def _error(self, what: str, branch: str = "", entry: int | None = None) -> ColumnError:
        return ColumnError(what, self.tree.name, branch, entry)

    def _shape(self) -> list[ColumnError]:
        """Channels and samples an entry against what meta says."""
        faults = []
        if self.tree.name == "charge":
            channels = self.file.column("charge", "charge").shape[0]
            for slot, expected in self.slots.items():
                if expected != channels:
                    faults.append(
                        self._error(f"{channels} channels, slot {slot} has {expected}", "charge")
                    )
        if self.tree.name == "waveform":
            samples = self.file.column("waveform", "adc").shape[0]
            about = self.meta.get("waveform")
            if not isinstance(about, dict):
                faults.append(ColumnError("is missing, the file has waveforms", META, "waveform"))
            elif about.get("samples") != samples:
                expected = about.get("samples")
                faults.append(self._error(f"{samples} samples, meta says {expected}", "adc"))
        return faults

    def _points(self, points: Array) -> list[ColumnError]:
        values, first, count = np.unique(points, return_index=True, return_counts=True)
        self.points = set(values.tolist())
        if not len(values):
            return [self._error("no measuring point")]
        return [
            self._error(f"point {point} stands twice", "point", int(entry))
            for point, entry in zip(values[count > 1], first[count > 1], strict=True)
        ]

    def _note(self, branch: str, what: str, bad: Array, start: int) -> None:
        count = int(bad.sum())
        if count:
            before, entry = self._first.get((branch, what), (0, start + int(bad.argmax())))
            self._first[branch, what] = (before + count, entry)

    def _column(self, branch: str, values: Array, start: int) -> None:
        layout = self.tree.branch(branch)
        if branch == "charge":
            if not _all_finite(values):
                self._note(branch, "charge", self._without_charge(values), start)
        elif layout.finite and values.dtype.kind == "f":
            self._note(branch, "finite", ~np.isfinite(values), start)
        if branch in self.known and not (branch == "point" and self.tree.name == "condition"):
            known, where = self.known[branch]
            bad = ~_among(values, known)
            if bad.any():
                value = int(values[bad.argmax()])
                key = next((k for k in self._first if k[0] == branch), None)
                what = key[1] if key else f"{branch} {value} is not in {where}"
                self._note(branch, what, bad, start)
        if branch == "channel" and self.slots:
            lowest = WHOLE_DEVICE if self.tree.name == "iv" else 0
            highest = max(self.slots.values())
            self._note(branch, "channel", (values < lowest) | (values >= highest), start)

    def _without_charge(self, values: Array) -> Array:
        """Which entries (n,) lack what they should have.

        Where each channel triggers by itself, those that did not fire have no charge (NaN).
        """
        rows = values.reshape(len(values), -1)
        if self.meta.get("own_triggers") is True:
            return np.asarray(np.isinf(rows).any(axis=1) | np.isnan(rows).all(axis=1))
        return np.asarray((~np.isfinite(rows)).any(axis=1))


def _sorted(numbers: Any) -> Array:
    return np.unique(np.array([n for n in numbers if abs(n) < 2**62], np.int64))


def _among(values: Array, known: Array) -> Array:
    """Which values are among the known, which are sorted."""
    if len(known) and known[-1] - known[0] == len(known) - 1:
        inside: Array = (values >= known[0]) & (values <= known[-1])
        return inside
    if not len(known):
        return np.zeros(len(values), bool)
    among: Array = known[np.minimum(np.searchsorted(known, values), len(known) - 1)] == values
    return among


def _all_finite(values: Array) -> bool:
    """Whether all are finite, by their sum: one pass without a temporary array."""
    with np.errstate(over="ignore", invalid="ignore"):
        return bool(np.isfinite(values.sum(dtype=np.float64)))
