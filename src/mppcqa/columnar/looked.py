"""The values that a question is about: those of a quantity that count, of chosen devices."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.columnar.slices import Slice
from mppcqa.columnar.snapshot import Snapshot

Mask = NDArray[np.bool_]
OfValues = Callable[["Part"], Mask]
"""Which of the values (n,) that `Part` has, before others are left out, are looked at."""


@dataclass(frozen=True)
class Part:
    """Values of one slice; those that are looked at are told by `keep` (all where it is None)."""

    slice: Slice
    rows: NDArray[np.int64]
    """(r,) row of ``mine`` of each run, -1 where it is not looked at."""
    keep: Mask | None

    def of(self, column: NDArray[Any]) -> NDArray[Any]:
        """A column (n,) of the slice, of the values that are looked at."""
        return column if self.keep is None else column[self.keep]

    def of_runs(self, column: NDArray[Any]) -> NDArray[Any]:
        """What each run has (r,), for each value that is looked at."""
        return column[self.runs]

    @cached_property
    def runs(self) -> NDArray[np.int32]:
        """The run of each value."""
        return self.of(self.slice.of)

    @cached_property
    def value(self) -> NDArray[np.float64]:
        """In the quantity's stored unit."""
        return self.of(self.slice.value)

    @cached_property
    def row(self) -> NDArray[np.int64]:
        """Row of ``mine``."""
        return self.of_runs(self.rows)

    @cached_property
    def device(self) -> NDArray[np.int32]:
        """Id."""
        return self.of_runs(self.slice.device)

    @cached_property
    def channel(self) -> NDArray[np.int16]:
        """-1 where it is of the whole device."""
        return self.of(self.slice.channel)

    def narrowed(self, which: Mask) -> Part:
        """Those alone for which it is true, of all values (n,) of the slice."""
        return Part(self.slice, self.rows, which if self.keep is None else self.keep & which)


@dataclass(frozen=True)
class Looked:
    """Values in parts, and what they belong to."""

    snapshot: Snapshot
    parts: list[Part]

    def __len__(self) -> int:
        return sum(len(one.value) for one in self.parts)

    def all(self, name: str) -> NDArray[Any]:
        """A column of all parts."""
        found = [getattr(one, name) for one in self.parts]
        return np.concatenate(found) if len(found) > 1 else found[0] if found else np.zeros(0, int)

    @cached_property
    def condition(self) -> NDArray[np.int64]:
        """Id of the condition of each value."""
        return np.concatenate(
            [np.zeros(0, np.int64), *(one.of(one.slice.condition) for one in self.parts)]
        )

    @property
    def points(self) -> list[int]:
        """Conditions at which there are any, ascending."""
        return sorted({one.slice.point for one in self.parts})

    def at(self, point: int) -> Looked:
        """Those of one condition."""
        return Looked(self.snapshot, [one for one in self.parts if one.slice.point == point])

    def codes(self, group: str, sql: str) -> tuple[list[NDArray[Any] | None], list[Any]]:
        """For each part the group of each value, as a number among the keys; None: all of one."""
        if not group:
            return [None for _one in self.parts], [0]
        if group == "channel":
            most = max((int(one.channel.max()) for one in self.parts), default=-1)
            return [one.channel + np.int16(1) for one in self.parts], list(range(-1, most + 1))
        if group == "point":
            keys = self.points
            return [
                np.full(len(one.value), keys.index(one.slice.point), np.int16) for one in self.parts
            ], keys
        groups = self.snapshot.groups(sql)
        # Sixteen bits go through the memory, and are sorted, in a part of the time.
        kind = np.int16 if len(groups.keys) < 1 << 15 else np.int32
        codes = groups.codes.astype(kind, copy=False)
        return [one.of_runs(codes[one.rows]) for one in self.parts], groups.keys

    def devices_of(self, codes: Sequence[NDArray[Any] | None]) -> list[int]:
        """How many devices each group has values of, by its number."""
        each = []
        for part, code in zip(self.parts, codes, strict=True):
            row = part.row
            if code is not None:
                row = code.astype(np.int64) * len(self.snapshot.device) + row
            # Values of a device stand together, and those of its channels in one order.
            each.append(row[np.concatenate([[True], row[1:] != row[:-1]])] if len(row) else row)
        both = np.unique(np.concatenate([np.zeros(0, np.int64), *each]))
        found: list[int] = np.bincount(both // max(1, len(self.snapshot.device))).tolist()
        return found


def joined(codes: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    """Groups of the values of all parts."""
    found = [one for one in codes if one is not None]
    if len(found) < 2:
        return found[0] if found else None
    return np.concatenate(found)


def look(
    snapshot: Snapshot,
    slices: Sequence[Slice],
    rows: NDArray[np.int64],
    conditions: Sequence[OfValues] = (),
) -> Looked:
    """Values of `slices` that count for devices in rows of ``mine``, all of one stage."""
    parts: list[Part] = []
    if not len(rows):
        return Looked(snapshot, parts)
    devices = snapshot.device[rows]
    place = np.full(int(devices.max()) + 2, -1, np.int64)
    place[devices] = rows
    for one in slices:
        mine = place[np.minimum(one.device, len(place) - 1)]
        mine[snapshot.analysis[mine] != one.analysis] = -1
        good = mine >= 0
        if not good.any():
            continue
        part = Part(one, mine, None if good.all() else good[one.of])
        for condition in conditions:
            part = part.narrowed(condition(part))
        if part.keep is None or part.keep.any():
            parts.append(part)
    return Looked(snapshot, parts)


def having(inner: Looked) -> OfValues:
    """Values of devices that `inner` has; of the same channel where both are of channels."""
    device = inner.all("device").astype(np.int64)
    channel = inner.all("channel").astype(np.int64)
    most = int(device.max(initial=0)) + 1
    whole, some = np.zeros(most + 1, bool), np.zeros(most + 1, bool)
    whole[device[channel < 0]] = True
    some[device] = True
    keys = np.unique((device << 16) + channel)

    def among(part: Part) -> Mask:
        mine = np.minimum(part.slice.device, most)[part.slice.of].astype(np.int64)
        own = part.slice.channel.astype(np.int64)
        found: Mask = whole[mine] | ((own < 0) & some[mine]) | np.isin((mine << 16) + own, keys)
        return found

    return among
