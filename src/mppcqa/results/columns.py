"""The values of an analysis as columns: what an ingest of any size checks and takes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.results.models import WHOLE_DEVICE
from mppcqa.stages import Condition, Result, Stage

SLACK = 5
"""A value may lie outside what is possible by so many of its uncertainties, not by more."""


@dataclass(frozen=True, kw_only=True)
class ValueColumns:
    """Values of one stage: arrays of equal length [n]; texts and conditions are kept once.

    Row i is a value of quantity ``quantities[quantity[i]]`` at ``conditions[condition[i]]``.
    """

    device: NDArray[np.integer[Any]]
    """Ids of devices."""
    quantities: Sequence[str]
    quantity: NDArray[np.integer[Any]]
    conditions: Sequence[Condition]
    condition: NDArray[np.integer[Any]]
    channel: NDArray[np.integer[Any]]
    """From 0; `WHOLE_DEVICE` (-1) for the whole device."""
    value: NDArray[np.float64]
    statistical: NDArray[np.float64]
    """Statistical standard uncertainty in the value's unit; NaN (or infinite) where unknown."""
    systematic: NDArray[np.float64] | None = None
    """Systematic standard uncertainty in the value's unit; None where no value has any."""
    bound: NDArray[np.integer[Any]] | None = None
    """1 where the value is an upper limit, -1 where it is a lower one; None where none is."""
    methods: Mapping[str, str] = field(default_factory=dict)
    """Quantity -> how its values were had."""

    def __len__(self) -> int:
        return len(self.value)


def columns_of_results(results: Sequence[Result], devices: Mapping[int, int]) -> ValueColumns:
    """Columns of what `Stage.analyse` gave; `devices` is device id by slot, unknown slots are 0."""
    # Column by column: a tuple for each result would only be work for the garbage collector.
    of_quantity = [one.quantity for one in results]
    quantities = {key: place for place, key in enumerate(dict.fromkeys(of_quantity))}
    # Results of one condition share the object, and objects are hashed slowly: once each is enough.
    of_condition = [one.condition for one in results]
    objects = {id(one): one for one in of_condition}
    conditions = {one: place for place, one in enumerate(dict.fromkeys(objects.values()))}
    place_of = {key: conditions[one] for key, one in objects.items()}
    return ValueColumns(
        device=np.array([devices.get(one.slot, 0) for one in results], "i4"),
        quantities=tuple(quantities),
        quantity=np.array([quantities[key] for key in of_quantity], "i2"),
        conditions=tuple(conditions),
        condition=np.array([place_of[id(one)] for one in of_condition], "i4"),
        channel=np.array(
            [WHOLE_DEVICE if one.channel is None else one.channel for one in results], "i2"
        ),
        value=np.array([one.value for one in results], "f8"),
        statistical=np.array([one.uncertainty for one in results], "f8"),
        systematic=np.array([one.systematic for one in results], "f8"),
        bound=np.array([one.bound for one in results], "i1"),
        methods={one.quantity: one.method for one in results if one.method},
    )


def value_faults(stage: Stage, columns: ValueColumns) -> Iterator[tuple[int, str]]:
    """Everything that can't be a value, as (row, what is wrong), in the order of the rows."""
    declared = {quantity.key: quantity for quantity in stage.quantities}
    found = [declared.get(key) for key in columns.quantities]
    low = np.array([-math.inf if q is None or q.bounds[0] is None else q.bounds[0] for q in found])
    high = np.array([math.inf if q is None or q.bounds[1] is None else q.bounds[1] for q in found])
    unknown = np.array([one is None for one in found], bool)
    value, statistical = columns.value, columns.statistical
    if not len(columns):
        return
    systematic = np.zeros(len(value)) if columns.systematic is None else columns.systematic
    most = np.finfo(np.float32).max  # what the table holds of a systematic uncertainty
    unmeasured = (
        ~np.isfinite(value) | (statistical < 0) | ~((systematic >= 0) & (systematic < most))
    )
    with np.errstate(invalid="ignore", over="ignore"):
        known = np.where(np.isfinite(statistical), statistical, 0.0)
        slack = SLACK * np.hypot(known, np.where(np.isfinite(systematic), systematic, 0.0))
        outside = (value < low[columns.quantity] - slack) | (value > high[columns.quantity] + slack)
    undeclared, homeless = unknown[columns.quantity], columns.device <= 0
    bound = np.zeros(len(value), "i1") if columns.bound is None else columns.bound
    # Whoever reads "< 0.05 ± 0.01" can't know what is meant.
    unclear = (np.abs(bound) > 1) | ((bound != 0) & (np.isfinite(statistical) | (systematic > 0)))
    for row in np.flatnonzero(undeclared | homeless | unmeasured | outside | unclear).tolist():
        if undeclared[row]:
            yield row, "the stage declares no such quantity"
        elif homeless[row]:
            yield row, "no device sat in that slot"
        elif unmeasured[row]:
            errors = f"± {statistical[row]:g} ± {systematic[row]:g}"
            yield row, f"{value[row]:g} {errors} is no measured value"
        elif unclear[row]:
            errors = f"± {statistical[row]:g} ± {systematic[row]:g}"
            yield (
                row,
                f"a limit (bound {bound[row]}) of {value[row]:g} has no uncertainty ({errors})",
            )
        else:
            yield row, f"{value[row]:g} lies outside what is possible"
