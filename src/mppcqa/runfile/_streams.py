"""Rows gathered into baskets of a good size on their way into a tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.runfile._trees import block_digest
from mppcqa.runfile.layout import Tree

BASKET_BYTES = 1_000_000
"""Size of a basket of a tree's widest branch (`docs/decisions` has the measurement)."""
FLUSH_S = 10.0
"""What is older than this is on disk, should the program die."""

Array = NDArray[Any]


class Stream:
    """A tree that is being written: appends rows, keeps the blocks' checksums and the index."""

    def __init__(
        self,
        file: Any,
        layout: Tree,
        widths: Mapping[str, int],
        columns: list[str],
        rntuple: bool,
        before: Callable[[], None],
    ) -> None:
        """`before` is called before anything is written: what these entries refer to goes first."""
        name = layout.name
        self.name, self.entries, self._handed = name, 0, 0
        self._dtypes = {
            branch.name: np.dtype((branch.kind, (widths[branch.per_entry],)))
            if branch.per_entry
            else np.dtype(branch.kind)
            for branch in layout.branches
            if branch.name in columns
        }
        if rntuple:
            file.mkrntuple(name, dict(self._dtypes), layout.title)
        else:
            file.mktree(name, dict(self._dtypes), layout.title)
        self._file, self._before = file, before
        self._rows = max(1, BASKET_BYTES // max(d.itemsize for d in self._dtypes.values()))
        self._pending: list[dict[str, Array]] = []
        self._waiting, self._flushed = 0, time.monotonic()
        self.digests: dict[str, list[Any]] = {"stops": [], **{key: [] for key in self._dtypes}}
        self.blocks: list[list[int]] = []
        """[point, slot, channel, start, stop] of each run of equal rows, in order."""

    @property
    def columns(self) -> list[str]:
        return list(self._dtypes)

    def append(self, rows: Mapping[str, Array], key: tuple[int, int, int] | None = None) -> None:
        """Append rows (columns by name, all of one length), all of the block `key`."""
        count = len(next(iter(rows.values())))
        if not count:
            return
        if key is not None:
            if self.blocks and tuple(self.blocks[-1][:3]) == key:
                self.blocks[-1][4] += count
            else:
                self.blocks.append([*key, self._handed, self._handed + count])
        self._handed += count
        self._pending.append(
            {
                name: np.ascontiguousarray(rows[name], dtype.base)
                for name, dtype in self._dtypes.items()
            }
        )
        self._waiting += count
        while self._waiting >= self._rows:
            self._write(self._rows)
        if time.monotonic() - self._flushed > FLUSH_S:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._waiting:
            self._write(self._waiting)

    def _write(self, rows: int) -> None:
        self._before()
        taken: list[dict[str, Array]] = []
        need = rows
        while need:
            part = self._pending[0]
            have = len(next(iter(part.values())))
            if have <= need:
                taken.append(self._pending.pop(0))
                need -= have
                continue
            taken.append({name: values[:need] for name, values in part.items()})
            self._pending[0] = {name: values[need:] for name, values in part.items()}
            need = 0
        block = {
            name: taken[0][name]
            if len(taken) == 1
            else np.concatenate([part[name] for part in taken])
            for name in self._dtypes
        }
        self._file[self.name].extend(block)
        self._waiting -= rows
        self.entries += rows
        self._flushed = time.monotonic()
        self.digests["stops"].append(self.entries)
        for name, values in block.items():
            self.digests[name].append(block_digest(values))
