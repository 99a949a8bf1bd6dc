"""ROOT files of other groups by a mapping of their branches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import uproot

from mppcqa.runfile.foreign.mapping import ForeignError, Mapping
from mppcqa.runfile.foreign.measured import Floats, Measured
from mppcqa.runfile.foreign.table import from_columns

MAX_VALUES = 200_000_000
MAX_RATIO = 1000
"""What is compressed better than this is no measurement."""


def read_root(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """What a tree holds. `limit` reads only so many entries from the start."""
    try:
        with uproot.open(path) as file:
            return _read(path, mapping, _tree(file, mapping.tree, path.name), limit)
    except ForeignError:
        raise
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ForeignError(
            f"{path.name}: can't be read as a ROOT file, it may be cut off or damaged: {text}"
        ) from None


def trees_of(path: Path) -> dict[str, list[str]]:
    """Trees of a ROOT file and their branches, for the person who makes a mapping."""
    try:
        with uproot.open(path) as file:
            names = file.keys(cycle=False, filter_classname=["TTree", "ROOT::RNTuple"])
            return {name: list(file[name].keys())[:500] for name in names[:50]}
    except Exception as error:
        text = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
        raise ForeignError(f"{path.name}: can't be read as a ROOT file: {text}") from None


def _tree(file: Any, name: str, where: str) -> Any:
    names = file.keys(cycle=False, filter_classname=["TTree", "ROOT::RNTuple"])
    if name and name not in names:
        there = ", ".join(names) or "no tree"
        raise ForeignError(f"{where}: there is no tree {name!r}; there is {there}")
    if not name and len(names) != 1:
        there = ", ".join(names) or "none"
        raise ForeignError(f"{where}: name the tree in the mapping; there is {there}")
    return file[name or names[0]]


def _read(path: Path, mapping: Mapping, tree: Any, limit: int | None) -> list[Measured]:
    entries = tree.num_entries if limit is None else min(tree.num_entries, limit)
    columns: list[tuple[Any, Floats]] = []
    for column in mapping.columns:
        if column.source not in tree:
            there = ", ".join(list(tree.keys())[:20])
            raise ForeignError(
                f"{path.name}: {tree.name} has no branch {column.source!r}; there are {there}"
            )
        branch = tree[column.source]
        width = _width(branch, path.name)
        packed = max(int(getattr(branch, "compressed_bytes", 0) or 0), 1)
        if entries * width > MAX_VALUES or entries * width > MAX_RATIO * max(packed, 1000):
            raise ForeignError(
                f"{path.name}: {column.source} claims {entries * width} values in {packed} bytes; "
                f"at most {MAX_VALUES} can be taken in"
            )
        values = np.asarray(branch.array(library="np", entry_stop=entries))
        if values.dtype == object or values.dtype.kind not in "fiub":
            raise ForeignError(f"{path.name}: {column.source} does not hold plain numbers")
        if len(values) != entries:
            raise ForeignError(
                f"{path.name}: {column.source} has {len(values)} of {entries} entries"
            )
        values = values.astype(float) * column.factor
        if values.ndim > 2:
            values = values.reshape(len(values), -1)
        if column.role not in ("charge", "signal") and values.ndim > 1:
            raise ForeignError(f"{path.name}: {column.source} must hold one number an entry")
        bad = np.flatnonzero(~np.isfinite(values).reshape(len(values), -1).all(axis=1))
        if len(bad) > 0.01 * len(values):
            raise ForeignError(
                f"{path.name}: {column.source}: {len(bad)} entries are not finite, the first is "
                f"{bad[0]}"
            )
        columns.append((column, values))
    if not entries:
        raise ForeignError(f"{path.name}: {tree.name} has no entries")
    return from_columns(path, mapping, columns, {})


def _width(branch: Any, name: str) -> int:
    """Numbers an entry; `ForeignError` for entries of different lengths."""
    interpretation = getattr(branch, "interpretation", None)
    shape = getattr(interpretation, "inner_shape", ())
    if interpretation is not None and not hasattr(interpretation, "to_dtype"):
        raise ForeignError(
            f"{name}: {branch.name} has entries of different lengths or objects; branches of "
            "numbers and of arrays of one length can be taken in"
        )
    return int(np.prod(shape)) if shape else 1
