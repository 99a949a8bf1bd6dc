"""Branches of ROOT trees as numbers: plain ones, arrays, std::vector of one length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.mapping import Column
from mppcqa.tables.measured import Floats
from mppcqa.tables.words import say as _

MAX_VALUES = 200_000_000
MAX_RATIO = 1000
"""What is compressed better than this is no measurement."""


def read_branch(path: Path, tree: Any, column: Column, entries: int, several: bool) -> Floats:
    """Numbers (entries,) or (entries, n) of a branch, in its role's unit."""
    branch = tree[column.source]
    where = {"name": path.name, "branch": column.source}
    packed = max(int(getattr(branch, "compressed_bytes", 0) or 0), 1)
    width = _width(branch)
    claimed = max(entries * width, int(getattr(branch, "uncompressed_bytes", 0) or 0) // 8)
    # Pages of an RNTuple say how much they hold, and room is made for all of it.
    pages = [page for cluster in getattr(tree, "page_link_list", ()) for column_ in cluster
             for page in column_.pages]  # fmt: skip
    claimed = max([claimed, *(page.num_elements for page in pages)])
    packed = max([packed, *(page.locator.num_bytes for page in pages)])
    if claimed > MAX_VALUES or claimed > MAX_RATIO * max(packed, 1000):
        raise TableError(
            _("%(name)s: %(branch)s claims %(n)d values in %(bytes)d bytes; %(most)d at most")
            % (where | {"n": claimed, "bytes": packed, "most": MAX_VALUES})
        )
    values = np.asarray(branch.array(library="np", entry_stop=entries))
    if values.dtype == object:
        values = _of_vectors(values, where)
    if values.dtype.kind not in "fiub":
        raise TableError(_("%(name)s: %(branch)s does not hold plain numbers") % where)
    if len(values) != entries:
        raise TableError(
            _("%(name)s: %(branch)s has %(there)d of %(n)d entries")
            % (where | {"there": len(values), "n": entries})
        )
    change = column.conversion()
    values = values.astype(float)
    if change is not None:
        values = values * change.factor + change.offset
    if values.ndim > 2:
        values = values.reshape(len(values), -1)
    if column.role not in ("charge", "signal") and values.ndim > 1:
        raise TableError(_("%(name)s: %(branch)s must hold one number an entry") % where)
    bad = np.flatnonzero(_bad(values, column.role, several))
    if len(bad) > 0.01 * len(values):
        raise TableError(
            _("%(name)s: %(branch)s: %(n)d entries are not finite, the first is %(first)d")
            % (where | {"n": len(bad), "first": bad[0]})
        )
    return values


def _bad(values: Floats, role: str, several: bool) -> np.ndarray:
    """Entries (n,) that should be numbers. A channel that did not fire has no charge in an event
    that others have."""
    rows = values.reshape(len(values), -1)
    if role != "charge" or not (several or rows.shape[1] > 1):
        return np.asarray(~np.isfinite(rows).all(axis=1))
    return np.asarray(np.isinf(rows).any(axis=1) | (np.isnan(rows).all(axis=1) & (not several)))


def _of_vectors(values: np.ndarray, where: dict[str, str]) -> np.ndarray:
    """Entries of std::vector, all of one length, as (entries, n)."""
    try:
        lengths = np.array([len(one) for one in values])
    except TypeError:
        raise TableError(_("%(name)s: %(branch)s does not hold plain numbers") % where) from None
    usual = int(np.bincount(lengths).argmax())
    odd = np.flatnonzero(lengths != usual)
    if len(odd):
        raise TableError(
            _(
                "%(name)s: %(branch)s has entries of different lengths: entry %(entry)d has %(a)d, "
                "most have %(b)d; only entries of one length can be taken in"
            )
            % (where | {"entry": int(odd[0]), "a": int(lengths[odd[0]]), "b": usual})
        )
    return np.stack([np.asarray(one) for one in values])


def _width(branch: Any) -> int:
    """Numbers an entry of a branch of fixed length."""
    interpretation = getattr(branch, "interpretation", None)
    if interpretation is not None and not hasattr(interpretation, "to_dtype"):
        return 1
    shape = getattr(interpretation, "inner_shape", ())
    return int(np.prod(shape)) if shape else 1
