"""Quantities of many devices by numbers that a few strays don't move, and those strays."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.charts.plots import Bars, Scale
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import condition_text, distance, setting
from mppcqa.results.models import ConditionPoint, QuantityRow
from mppcqa.stages import Condition, Quantity, Stage, all_stages
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.views.texts import NONE, measured

PIECE = 500
LOOKED_AT = 60
"""Devices that say which conditions the values of all are at."""
FAR = 5.0
"""Robust standard deviations from the median: a stray."""
LEAST = 5
"""Values without which nothing is called a stray."""
AS_SIGMA = 1.4826
"""Median absolute deviation -> standard deviation of a normal distribution."""
OF_MEDIAN, OF_SCATTER = 1.2533, 1.1664
"""Standard errors of the median and of the scatter, in scatters over the root of n (P. J.
Rousseeuw and C. Croux, J. Am. Stat. Assoc. 88 (1993) 1273: efficiencies 64 % and 37 %)."""
BINS = 30


@dataclass(frozen=True)
class Sample:
    """Values of one quantity at one condition: a device's mean over its channels each."""

    quantity: QuantityRow
    at: Condition
    devices: NDArray[np.int64]
    """Ids [n]."""
    values: NDArray[np.float64]
    """In the quantity's stored unit [n]; all finite."""


@dataclass(frozen=True)
class QuantityLine:
    """A quantity of many devices, as people read it."""

    stage: str
    title: str
    condition: str
    n: int
    median: str
    scatter: str
    """Robust standard deviation between devices."""
    lowest: str
    highest: str
    strays: int


@dataclass(frozen=True)
class Stray:
    """A device that lies far from the others."""

    device: int
    quantity: str
    value: str
    far: float
    """Robust standard deviations from the median, with its sign."""


@dataclass(frozen=True)
class Spread:
    """Median and scatter of some values (n >= 1)."""

    n: int
    median: float
    scatter: float
    """NaN of one value."""

    @property
    def median_error(self) -> float:
        return OF_MEDIAN * self.scatter / math.sqrt(self.n)

    @property
    def scatter_error(self) -> float:
        return OF_SCATTER * self.scatter / math.sqrt(self.n)


def spread_of(values: NDArray[np.float64]) -> Spread:
    """Of finite values [n >= 1]."""
    middle = float(np.median(values))
    scatter = AS_SIGMA * float(np.median(np.abs(values - middle))) if len(values) > 1 else math.nan
    return Spread(len(values), middle, scatter)


def _stages() -> dict[str, Stage]:
    return {stage.key: stage for stage in all_stages()}


def _declared(stage: Stage | None, row: QuantityRow) -> Quantity | None:
    if stage is None:
        return None
    return next((one for one in stage.quantities if one.key == row.key), None)


def summed_samples(devices: Sequence[int]) -> list[Sample]:
    """Samples of some devices (ids) from their summaries, each quantity at one condition.

    That is the one that most devices have a value at, and of those alike the one at which the
    stage is shown.
    """
    looked = list(devices)[:: max(1, len(devices) // LOOKED_AT)]
    rows = DeviceSummary.objects.visible_to(None).filter(device__in=looked)
    counts = Counter(rows.values_list("series_id", flat=True))
    stages = _stages()
    series = Series.objects.filter(pk__in=list(counts)).select_related("quantity")
    best: dict[int, tuple[tuple[float, float, int], Series]] = {}
    for one in series:
        stage = stages.get(one.quantity.stage)
        off = distance(one.at, stage.typical) if stage else 0.0
        rank = (-counts[one.pk], off, one.pk)
        if one.quantity_id not in best or rank < best[one.quantity_id][0]:
            best[one.quantity_id] = rank, one
    chosen = {one.pk: one for _rank, one in best.values()}
    found: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for start in range(0, len(devices), PIECE):
        some = DeviceSummary.objects.visible_to(None).filter(
            device__in=list(devices[start : start + PIECE]), series__in=list(chosen)
        )
        for pk, device, mean in some.values_list("series_id", "device_id", "mean"):
            if math.isfinite(mean):
                found[pk].append((device, mean))
    samples = [_sample(chosen[pk].quantity, chosen[pk].at, cells) for pk, cells in found.items()]
    return in_order(samples)


def measured_samples(values: MeasurementColumns) -> list[Sample]:
    """Samples from measured values, chosen by the same rule."""
    if not len(values):
        return []
    stages = _stages()
    quantities = QuantityRow.objects.in_bulk(np.unique(values.quantity).tolist())
    points = ConditionPoint.objects.in_bulk(np.unique(values.condition).tolist())
    # At one bias devices differ in overvoltage: what the station set is one condition.
    settings: dict[Condition, int] = {}
    of_point = {
        pk: settings.setdefault(setting(one.at), len(settings)) for pk, one in points.items()
    }
    ats = list(settings)
    whole = {of_point[pk]: one.at for pk, one in sorted(points.items(), reverse=True)}
    mine = values.measured
    mine = mine.take(np.isfinite(mine.value))
    there, inverse = np.unique(mine.condition, return_inverse=True)
    at = np.array([of_point[pk] for pk in there.tolist()], "i8")[inverse]
    order = np.lexsort((mine.device, at, mine.quantity))
    mine, at = mine.take(order), at[order]
    change = np.zeros(len(mine), dtype=bool)
    for column in (mine.quantity, at, mine.device):
        change |= np.diff(column.astype("i8"), prepend=-9) != 0
    starts = np.flatnonzero(change)
    if not len(starts):
        return []
    n = np.diff(starts, append=len(mine))
    means = np.add.reduceat(mine.value, starts) / n
    cells: dict[tuple[int, int], list[tuple[int, float]]] = defaultdict(list)
    for quantity, condition, device, mean in zip(
        mine.quantity[starts].tolist(),
        at[starts].tolist(),
        mine.device[starts].tolist(),
        means.tolist(),
        strict=True,
    ):
        cells[quantity, condition].append((device, mean))
    best: dict[int, tuple[tuple[float, float, int], int]] = {}
    for (quantity, condition), some in cells.items():
        stage = stages.get(quantities[quantity].stage)
        off = distance(whole[condition], stage.typical) if stage else 0.0
        rank = (-len(some), off, condition)
        if quantity not in best or rank < best[quantity][0]:
            best[quantity] = rank, condition
    return in_order(
        _sample(quantities[quantity], ats[condition], cells[quantity, condition])
        for quantity, (_rank, condition) in best.items()
    )


def _sample(quantity: QuantityRow, at: Condition, cells: Sequence[tuple[int, float]]) -> Sample:
    ids, values = zip(*sorted(cells), strict=True)
    return Sample(quantity, at, np.array(ids, "i8"), np.array(values, "f8"))


def in_order(samples: Iterable[Sample]) -> list[Sample]:
    """As the stages declare their quantities; what is declared no more comes last."""
    places = {
        (stage.key, one.key): (n, k)
        for n, stage in enumerate(all_stages())
        for k, one in enumerate(stage.quantities)
    }
    last = (len(places), len(places))
    return sorted(
        samples,
        key=lambda one: (
            places.get((one.quantity.stage, one.quantity.key), last),
            one.quantity.pk,
        ),
    )


@dataclass(frozen=True)
class Told:
    """How a sample is told: names, and what turns a stored value into the unit shown."""

    stage: str
    title: str
    condition: str
    unit: str
    scale: float
    headline: bool

    @property
    def whole(self) -> str:
        return ", ".join(filter(None, [f"{self.stage}: {self.title}", self.condition]))


def told(sample: Sample) -> Told:
    """Names and unit of a sample in the current language."""
    stage = _stages().get(sample.quantity.stage)
    declared = _declared(stage, sample.quantity)
    own = bool(declared and declared.display_unit)
    return Told(
        _(stage.title) if stage else sample.quantity.stage,
        _(declared.title) if declared else sample.quantity.title,
        condition_text(sample.at),
        declared.display_unit if own and declared else sample.quantity.unit,
        declared.display_scale if own and declared else 1.0,
        bool(declared and declared.headline),
    )


def line_and_strays(sample: Sample) -> tuple[QuantityLine, list[Stray]]:
    """A sample in words, and the devices that lie far from the others, the farthest first."""
    words = told(sample)
    values = sample.values * words.scale
    spread = spread_of(values)
    known = spread.scatter if math.isfinite(spread.scatter) else None
    strays: list[Stray] = []
    if spread.n >= LEAST and spread.scatter > 1e-9 * abs(spread.median):
        far = (values - spread.median) / spread.scatter
        for n in np.flatnonzero(np.abs(far) > FAR).tolist():
            text = measured(float(values[n]), None, words.unit)
            strays.append(Stray(int(sample.devices[n]), words.whole, text, float(far[n])))
    line = QuantityLine(
        words.stage,
        words.title,
        words.condition,
        spread.n,
        measured(spread.median, known and spread.median_error, words.unit),
        NONE if known is None else measured(known, spread.scatter_error or None, words.unit),
        measured(float(values.min()), None, words.unit),
        measured(float(values.max()), None, words.unit),
        len(strays),
    )
    return line, sorted(strays, key=lambda one: (-abs(one.far), one.device))


def histogram_of(sample: Sample, *, with_stage: bool = False) -> Bars | None:
    """How the devices' values are distributed; None of fewer than three that differ.

    Its title names the stage on demand: two stages may measure one quantity. Strays are kept out of
    the axis: they are named in words.
    """
    words = told(sample)
    values = sample.values * words.scale
    spread = spread_of(values)
    if spread.n < 3 or not spread.scatter > 1e-9 * abs(spread.median):
        return None
    near = values[np.abs(values - spread.median) <= FAR * spread.scatter]
    bins = min(BINS, max(5, math.ceil(2 * len(near) ** (1 / 3))))
    counts, edges = np.histogram(near, bins)
    title = ", ".join(filter(None, [words.title, words.condition]))
    title = words.whole if with_stage else title
    scales = Scale(words.title, words.unit), Scale(_("devices"))
    return Bars(edges.tolist(), counts.tolist(), *scales, title=title)
