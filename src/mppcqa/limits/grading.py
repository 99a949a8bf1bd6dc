"""What verdicts on devices say, from their values and a limit set; nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits import remarks
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import distance, tells_of
from mppcqa.results.models import Outcome
from mppcqa.results.reading import read_values
from mppcqa.results.references import Meaning
from mppcqa.stages import Condition, Stage

BATCH = 500
# A missing value is worse than a doubtful one.
GRADES = (Outcome.PASS, Outcome.WARNING, Outcome.INCOMPLETE, Outcome.FAIL)
PASS, WARNING, INCOMPLETE, FAIL = range(len(GRADES))

Graded = dict[int, tuple[Outcome, list[dict[str, Any]]]]
"""Outcome and details of a verdict by device id."""


def grade(
    stage: Stage,
    limit_set: LimitSet,
    analyses: Mapping[int, int],
    values: MeasurementColumns | None = None,
) -> Graded:
    """What verdicts on devices would say, each by the values of its analysis.

    analyses
        Analysis id by device id.
    values
        Where the caller has them, at least all values of these devices and analyses.
    """
    limits = list(limit_set.limits.select_related("quantity"))
    declared = {quantity.key: quantity for quantity in stage.quantities}
    ids = np.array(sorted(analyses), "i4")
    channels = _channels(ids.tolist())
    values = _values_of(analyses, ids, {limit.quantity_id for limit in limits}, values)
    points = _points(values)
    outcomes = np.full(len(ids), PASS)
    columns = []
    for limit in limits:
        quantity = declared.get(limit.quantity.key)
        by_channel = quantity is not None and quantity.scope == "channel"
        expected = channels if by_channel else np.ones_like(ids)
        here = values.take(values.quantity == limit.quantity_id)
        possible = (None, None) if quantity is None else quantity.bounds
        worst, details = _by_limit(limit, ids, here, points, expected, possible)
        has_it = channels >= (quantity.least_channels if quantity else 1)
        outcomes = np.where(has_it, np.maximum(outcomes, worst), outcomes)
        columns.append([one if has else None for one, has in zip(details, has_it, strict=True)])
    by_device = zip(*columns, strict=True) if columns else ([] for _device in ids)
    return {
        device: (GRADES[outcome], [detail for detail in details if detail is not None])
        for device, outcome, details in zip(ids.tolist(), outcomes.tolist(), by_device, strict=True)
    }


def _channels(ids: list[int]) -> NDArray[np.int32]:
    """How many channels each device has [n]."""
    found: dict[int, int] = {}
    for start in range(0, len(ids), BATCH):
        rows = Device.objects.filter(pk__in=ids[start : start + BATCH]).order_by()
        found |= dict(rows.values_list("pk", "device_type"))
    # Not joined: from the few types, MariaDB may go through all devices of each.
    types = DeviceType.objects.in_bulk()
    return np.array([types[found[pk]].channels for pk in ids], "i4")


def _values_of(
    analyses: Mapping[int, int],
    ids: NDArray[np.int32],
    quantities: set[int],
    given: MeasurementColumns | None,
) -> MeasurementColumns:
    """Values of each device that its analysis gave, in the order of the big table's key."""
    wanted = np.array([analyses[device] for device in ids.tolist()], "i4")
    if given is None:
        values = read_values(
            ids.tolist(), analyses=np.unique(wanted).tolist(), quantities=sorted(quantities)
        )
    else:
        values = given.take(np.isin(given.device, ids))
        values = values.in_key_order()
    return values.take(values.analysis == wanted[np.searchsorted(ids, values.device)])


def _points(values: MeasurementColumns) -> dict[int, Condition]:
    meaning = Meaning()
    meaning.learn(np.unique(values.condition).tolist(), ())
    return meaning.points


def _by_limit(
    limit: Limit,
    ids: NDArray[np.int32],
    values: MeasurementColumns,
    points: Mapping[int, Condition],
    expected: NDArray[np.int32],
    possible: tuple[float | None, float | None],
) -> tuple[NDArray[np.int64], list[dict[str, Any]]]:
    """Grade and detail of each device [n] by one limit: the worst of its values decides.

    expected
        How many channels should have a value [n].
    possible
        Between which numbers the quantity can be at all, where a value is but a limit.
    """
    n = len(ids)
    values, beyond = _nearest(limit.at, values, points)
    at = np.searchsorted(ids, values.device)
    grades = _grades_of(values, limit, possible)
    judged, failed, warned = (
        np.bincount(at[mask], minlength=n)
        for mask in (np.ones(len(at), bool), grades == FAIL, grades == WARNING)
    )
    seen = np.unique(at.astype("i8") << 32 | (values.channel.astype("i8") + 1)) >> 32
    missing = np.maximum(0, expected - np.bincount(seen, minlength=n))
    # Within a device the worst value comes first, and of equal ones the first.
    order = np.lexsort((-_distances(values.value, limit), -grades, at))
    first = np.minimum(np.searchsorted(at[order], np.arange(n)), max(0, len(order) - 1))
    row = order[first] if len(order) else np.zeros(n, "i8")
    lone = judged == 0
    worst = np.where(lone, INCOMPLETE, grades[row] if len(grades) else INCOMPLETE)
    worst = np.where(missing > 0, np.maximum(worst, INCOMPLETE), worst)
    same = {"quantity": limit.quantity.key, "reason": limit.reason, **_bands(limit)}
    conditions = {pk: dict(at) for pk, at in points.items()}
    numbers = zip(
        judged.tolist(),
        failed.tolist(),
        warned.tolist(),
        missing.tolist(),
        worst.tolist(),
        row.tolist(),
        strict=True,
    )
    told, of_value = _told(values, conditions), grades.tolist()
    doubtful = _near_limit(values, limit).tolist()
    details = []
    for device, (n_judged, n_failed, n_warned, n_missing, outcome, place) in zip(
        ids.tolist(), numbers, strict=True
    ):
        detail: dict[str, Any] = {
            **same,
            "judged": n_judged,
            "failed": n_failed,
            "warned": n_warned,
            "missing": n_missing,
            "outcome": GRADES[outcome],
        }
        said = []
        if not n_judged:
            far = beyond.get(device)
            missed = remarks.NOTHING if far is None else remarks.too_far(limit.at, points[far])
            said.append(missed)
        else:
            detail |= told(place)
            if doubtful[place]:
                said.append(remarks.NEAR)
            if of_value[place] == INCOMPLETE:
                said.append(remarks.UNTOLD)
            if n_missing:
                said.append(remarks.lacking(n_missing))
        details.append(detail | remarks.kept(said))
    return worst, details


def _told(
    values: MeasurementColumns, conditions: Mapping[int, dict[str, float]]
) -> Callable[[int], dict[str, Any]]:
    """What a verdict says of one of the values."""
    names = ("channel", "value", "statistical", "systematic", "condition", "bound")
    columns = {name: getattr(values, name).tolist() for name in names}

    def told(place: int) -> dict[str, Any]:
        row = {name: column[place] for name, column in columns.items()}
        sigma, bound = row["statistical"], row.pop("bound")
        row["statistical"] = None if sigma != sigma else sigma
        row["condition"] = conditions[row["condition"]]
        return row | ({"bound": bound} if bound else {})

    return told


def _nearest(
    at: Condition, values: MeasurementColumns, points: Mapping[int, Condition]
) -> tuple[MeasurementColumns, dict[int, int]]:
    """All values, or of each device those at the condition nearest to a wanted one.

    One that is not near on every axis (`tells_of`) does not count: of a device that has no other,
    the nearest of these (its id) comes second, by device.
    """
    if not at or not len(values):
        return values, {}
    conditions, inverse = np.unique(values.condition, return_inverse=True)
    there = [points[one] for one in conditions.tolist()]
    far = np.array([distance(one, at) for one in there])[inverse]
    telling = np.array([tells_of(one, at) for one in there])[inverse]
    known = np.isfinite(far)
    values, far, telling = values.take(known), far[known], telling[known]
    order = np.lexsort((values.condition, far, ~telling, values.device))
    devices, group = np.unique(values.device, return_inverse=True)
    first = order[np.searchsorted(values.device[order], devices)]
    nearest = values.condition[first]
    away = zip(devices.tolist(), nearest.tolist(), telling[first].tolist(), strict=True)
    beyond = {device: one for device, one, tells in away if not tells}
    return values.take((values.condition == nearest[group]) & telling), beyond


def _grades(value: NDArray[np.float64], limit: Limit) -> NDArray[np.int64]:
    grades = np.full(len(value), FAIL)
    if limit.warn_low is not None or limit.warn_high is not None:
        grades[_inside(value, limit.warn_low, limit.warn_high)] = WARNING
    grades[_inside(value, limit.pass_low, limit.pass_high)] = PASS
    return grades


def _grades_of(
    values: MeasurementColumns, limit: Limit, possible: tuple[float | None, float | None]
) -> NDArray[np.int64]:
    """Grade of each value [n]; of a limit only where all that it leaves has the same one."""
    grades = _grades(values.value, limit)
    rows = np.flatnonzero(values.bound)
    if not len(rows):
        return grades
    ends = [-np.inf if possible[0] is None else possible[0],
            np.inf if possible[1] is None else possible[1]]  # fmt: skip
    below = values.bound[rows] > 0
    low = np.where(below, np.minimum(ends[0], values.value[rows]), values.value[rows])
    high = np.where(below, values.value[rows], np.maximum(ends[1], values.value[rows]))
    found = np.full(len(rows), INCOMPLETE)
    passes, warns = (limit.pass_low, limit.pass_high), (limit.warn_low, limit.warn_high)
    wide = warns != (None, None)
    outer = _either(passes, warns) if wide else passes
    found[_outside(low, high, *outer)] = FAIL
    if wide:
        warned = _inside(low, *warns) & _inside(high, *warns)
        found[warned & _outside(low, high, *passes)] = WARNING
    found[_inside(low, *passes) & _inside(high, *passes)] = PASS
    grades[rows] = found
    return grades


Band = tuple[float | None, float | None]


def _either(one: Band, two: Band) -> Band:
    """The band that both lie in."""
    low = None if None in (one[0], two[0]) else min(x for x in (one[0], two[0]) if x is not None)
    high = None if None in (one[1], two[1]) else max(x for x in (one[1], two[1]) if x is not None)
    return low, high


def _outside(
    low: NDArray[np.float64], high: NDArray[np.float64], least: float | None, most: float | None
) -> NDArray[np.bool_]:
    """Whether no number between `low` and `high` lies in a band [n]."""
    return (high < (-np.inf if least is None else least)) | (
        low > (np.inf if most is None else most)
    )


def _inside(value: NDArray[np.float64], low: float | None, high: float | None) -> NDArray[np.bool_]:
    return (value >= (-np.inf if low is None else low)) & (
        value <= (np.inf if high is None else high)
    )


def _bands(limit: Limit) -> dict[str, float | None]:
    names = ("pass_low", "pass_high", "warn_low", "warn_high")
    return {name: getattr(limit, name) for name in names}


def _near_limit(values: MeasurementColumns, limit: Limit) -> NDArray[np.bool_]:
    """Which values are nearer to an end of a band than their whole uncertainty [n]."""
    near = np.zeros(len(values), bool)
    for end in _bands(limit).values():
        if end is not None:
            near |= np.abs(values.value - end) < values.total  # never, where it is unknown
    return near


def _distances(value: NDArray[np.float64], limit: Limit) -> NDArray[np.float64]:
    """How far outside the pass band, negative inside: the larger, the worse."""
    low = -np.inf if limit.pass_low is None else limit.pass_low
    high = np.inf if limit.pass_high is None else limit.pass_high
    return np.maximum(low - value, value - high)
