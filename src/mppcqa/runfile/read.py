"""Reading a run file, a device and point at a time."""

from __future__ import annotations

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import uproot
from numpy.typing import NDArray

from mppcqa.runfile.layout import META, VERSION, RunFileError


class RunFile:
    """A run file that is open for reading; use it in a ``with`` statement.

    meta
        The JSON document: run, stage, station, operator, program, slots with their serials.
    conditions
        Arrays by name (points,): ``point``, ``bias_v``, ``overvoltage_v``, ``temperature_c``,
        ``light``.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        try:
            self._file = uproot.open(self.path)
        except Exception as error:
            raise RunFileError(
                f"{self.path.name} can't be opened as a ROOT file: {error}"
            ) from None
        try:
            self.meta = self._read_meta()
            self.conditions = self._arrays("condition")
            self._index = self._ranges()
        except RunFileError:
            self._file.close()
            raise
        except Exception as error:
            self._file.close()
            raise RunFileError(f"{self.path.name} is damaged: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _get(self, name: str) -> Any:
        try:
            return self._file[name]
        except KeyError:
            there = ", ".join(sorted({key.split(";")[0] for key in self._file})) or "nothing"
            raise RunFileError(
                f"{self.path.name} has no {name!r}; it holds {there}. Is it a run file of mppcqa?"
            ) from None

    def _read_meta(self) -> dict[str, Any]:
        text = str(self._get(META))
        try:
            meta = json.loads(text)
        except ValueError as error:
            raise RunFileError(f"{self.path.name}: meta is no JSON: {error}") from None
        if not isinstance(meta, dict) or meta.get("layout") != VERSION:
            raise RunFileError(
                f"{self.path.name}: meta does not name layout version {VERSION}; this program "
                f"reads version {VERSION}"
            )
        return meta

    def _arrays(self, tree: str) -> dict[str, NDArray[Any]]:
        found: dict[str, NDArray[Any]] = self._get(tree).arrays(library="np")
        return found

    def _ranges(self) -> dict[tuple[int, int], list[tuple[int, int]]]:
        """First and last entry of each run of equal (point, slot)."""
        keys = self._get("charge").arrays(["point", "slot"], library="np")
        point, slot = keys["point"].astype(np.int64), keys["slot"].astype(np.int64)
        if not len(point):
            return {}
        change = np.flatnonzero((np.diff(point) != 0) | (np.diff(slot) != 0)) + 1
        starts = np.concatenate([[0], change])
        stops = np.concatenate([change, [len(point)]])
        index: dict[tuple[int, int], list[tuple[int, int]]] = {}
        for start, stop in zip(starts, stops, strict=True):
            key = (int(point[start]), int(slot[start]))
            index.setdefault(key, []).append((int(start), int(stop)))
        return index

    @property
    def slots(self) -> list[dict[str, Any]]:
        """What sat in each slot: ``slot``, ``serial``, ``channels``."""
        slots: list[dict[str, Any]] = self.meta["slots"]
        return slots

    def charges(self, point: int, slot: int) -> NDArray[np.float32]:
        """Charges (events, channels) of the device in a slot at a point; empty if none."""
        branch = self._get("charge")["charge"]
        parts = [
            branch.array(library="np", entry_start=start, entry_stop=stop)
            for start, stop in self._index.get((point, slot), [])
        ]
        if not parts:
            return np.empty((0, 0), np.float32)
        return np.concatenate(parts)
