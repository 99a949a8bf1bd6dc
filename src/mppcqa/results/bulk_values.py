"""Measured values as columns, into the big table: the one fast writer.

`results.ingest` takes whole analyses, with summaries and what counts, and is what most callers
want; this module knows only the table.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from django.db import IntegrityError
from numpy.typing import NDArray

from mppcqa.database.number_rows import insert_rows
from mppcqa.results.models import Measurement, ValuesSeal

KEY = ("analysis", "device", "quantity", "channel", "condition")
"""Of a row among others, the most important column first, in the order of sorting."""
LAYOUT = {
    "device": "<i4", "quantity": "<i2", "channel": "<i2", "condition": "<i4", "value": "<f8",
    "statistical": "<f8", "systematic": "<f4", "bound": "<i1",
}  # fmt: skip
"""Columns that a hash of values goes over, and their numbers."""


@dataclass(frozen=True)
class MeasurementColumns:
    """Rows of the big table as columns of equal length [n], ids as the database has them."""

    device: NDArray[np.int32]
    analysis: NDArray[np.int32]
    quantity: NDArray[np.int16]
    channel: NDArray[np.int16]
    """From 0; `WHOLE_DEVICE` (-1) for the whole device."""
    condition: NDArray[np.int32]
    value: NDArray[np.float64]
    statistical: NDArray[np.float64]
    """Statistical standard uncertainty; NaN where unknown."""
    systematic: NDArray[np.float32]
    """Systematic standard uncertainty; 0 where there is none."""
    bound: NDArray[np.int8] = field(default_factory=lambda: np.zeros(0, np.int8))
    """1 of an upper limit, -1 of a lower one, 0 of a value; left out where all are values."""

    def __post_init__(self) -> None:
        if len(self.bound) != len(self.value):
            object.__setattr__(self, "bound", np.zeros(len(self.value), np.int8))

    def __len__(self) -> int:
        return len(self.value)

    @property
    def measured(self) -> MeasurementColumns:
        """Those that are values, without the limits."""
        return self.take(self.bound == 0)

    @property
    def total(self) -> NDArray[np.float64]:
        """Whole standard uncertainty [n], where one number is wanted; NaN where unknown."""
        total: NDArray[np.float64] = np.hypot(self.statistical, self.systematic.astype("f8"))
        return total

    def take(self, rows: NDArray[Any]) -> MeasurementColumns:
        """Some rows, by index or mask."""
        if rows.dtype == bool and rows.all():
            return self
        return MeasurementColumns(*(getattr(self, one.name)[rows] for one in fields(self)))

    def in_key_order(self) -> MeasurementColumns:
        """The rows sorted by the table's key."""
        return self.in_order(KEY)

    def in_order(self, names: Sequence[str]) -> MeasurementColumns:
        """The rows sorted by some columns, the most important first."""
        keys = [getattr(self, name) for name in names]
        # From the least to the most important: whether no row is before the one above it.
        sorted_so_far = np.ones(max(0, len(self) - 1), bool)
        for column in reversed(keys):
            sorted_so_far = (column[1:] > column[:-1]) | (
                (column[1:] == column[:-1]) & sorted_so_far
            )
        return self if sorted_so_far.all() else self.take(np.lexsort(keys[::-1]))

    @classmethod
    def join(cls, parts: list[MeasurementColumns]) -> MeasurementColumns:
        """Rows of all parts, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls(
            *(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls))
        )


def write_measurements(columns: MeasurementColumns) -> MeasurementColumns:
    """Insert values, sorted by the table's key so that its pages are filled once.

    Returns them in that order. Runs inside the caller's transaction. Raises
    `django.db.IntegrityError` where two values have one key, `ValueError` for a value that is not
    finite or an uncertainty below zero; then the transaction must be rolled back.
    """
    if not np.isfinite(columns.value).all():
        raise ValueError("a value is not finite")
    if np.isinf(columns.statistical).any() or (columns.statistical < 0).any():
        raise ValueError("an uncertainty is negative or infinite; NaN says that it is unknown")
    if not (np.isfinite(columns.systematic) & (columns.systematic >= 0)).all():
        raise ValueError("a systematic uncertainty is negative or no number; 0 says there is none")
    if (np.abs(columns.bound) > 1).any():
        raise ValueError("a bound is 1 (upper limit), -1 (lower limit) or 0 (a value)")
    columns = columns.in_key_order()
    same = np.ones(max(0, len(columns) - 1), bool)
    for name in KEY:
        column = getattr(columns, name)
        same &= column[1:] == column[:-1]
    if same.any():
        row = int(np.flatnonzero(same)[0])
        raise IntegrityError(
            f"device {columns.device[row]}, quantity {columns.quantity[row]}, channel "
            f"{columns.channel[row]} has two values at one condition"
        )
    column_of = {one.name: str(one.column) for one in Measurement._meta.concrete_fields}
    insert_rows(
        Measurement._meta.db_table,
        {
            column_of[one.name]: _stored_bound(columns.bound)
            if one.name == "bound"
            else getattr(columns, one.name)
            for one in fields(columns)
        },
    )
    seal_values(columns)
    return columns


def _stored_bound(bound: NDArray[np.int8]) -> NDArray[np.float32]:
    """A value has no bound in the table: NaN becomes NULL."""
    return np.where(bound == 0, np.float32(np.nan), bound.astype("f4"))


def digest(columns: MeasurementColumns, start: int, stop: int) -> str:
    """The hash of some rows of one analysis, in the order of the table's key.

    It goes over one column after the other, as `LAYOUT` says: little-endian, NaN where nothing is.
    """
    found = hashlib.sha256()
    for name, kind in LAYOUT.items():
        column = getattr(columns, name)[start:stop].astype(kind)
        if kind == "<f8":
            column = np.where(np.isnan(column), np.nan, column)  # NaN has many ways to be written
        found.update(column.tobytes())
    return found.hexdigest()


def seal_values(columns: MeasurementColumns) -> None:
    """Keep the hash of rows that are being written, in the order of the key."""
    if not len(columns):
        return
    starts = np.flatnonzero(np.diff(columns.analysis, prepend=columns.analysis[0] - 1))
    ends = [*starts[1:].tolist(), len(columns)]
    ValuesSeal.objects.bulk_create(
        [
            ValuesSeal(
                analysis_id=int(columns.analysis[start]),
                first_device=int(columns.device[start]),
                values=end - start,
                sha256=digest(columns, start, end),
            )
            for start, end in zip(starts.tolist(), ends, strict=True)
        ],
        batch_size=500,
    )
