"""Looking into one run: its values as a grid, as trends, and beside those of another run.

All from the database, a quantity at a time; what lies in the run file is `mppcqa.testing.cells`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.stages import all_stages
from mppcqa.stages.numbers import mean_with_uncertainty
from mppcqa.testing.device_values import ShownQuantity, shown_quantities
from mppcqa.testing.models import (
    WHOLE_DEVICE,
    Analysis,
    ConditionPoint,
    Measurement,
    QuantityRow,
    Run,
    RunFile,
)


class One(NamedTuple):
    """A value in its display unit; the uncertainty is None where it is unknown."""

    slot: int
    channel: int
    condition: int
    value: float
    uncertainty: float | None


@dataclass
class RunView:
    """A run with the analysis that is looked at."""

    run: Run
    analysis: Analysis | None
    analyses: list[Analysis]
    devices: dict[int, Device]
    """Device by slot, in the order of the slots: all of the run, or some that follow each other."""
    more: int | None = None
    """Slot after which further devices come."""
    fewer: int | None = None
    """Slot after which the devices before these come."""
    conditions: dict[int, ConditionPoint] = field(default_factory=dict)
    _values: dict[tuple[str, tuple[int, ...] | None], list[One]] = field(default_factory=dict)

    @property
    def imported(self) -> bool:
        """Values came from a table: there are no events to look at, nor to analyse again."""
        kinds = {one.run_file.kind for one in self.analyses}
        return kinds == {RunFile.Kind.IMPORT}

    @property
    def first_slot(self) -> int:
        return min(self.devices, default=0)

    @property
    def last_slot(self) -> int:
        return max(self.devices, default=0)

    @cached_property
    def rows(self) -> dict[str, QuantityRow]:
        stage = self.analysis.stage if self.analysis else self.run.stage
        return {row.key: row for row in QuantityRow.objects.filter(stage=stage)}

    @cached_property
    def quantities(self) -> dict[str, ShownQuantity]:
        """Quantities that may have values, in the order in which the stage declares them."""
        key = self.analysis.stage if self.analysis else self.run.stage
        stage = next((stage for stage in all_stages() if stage.key == key), None)
        there = shown_quantities(stage, self.rows)
        measured = set(self.analysis.methods) if self.analysis else set()
        return {key: one for key, one in there.items() if key in self.rows and key in measured} or {
            key: one for key, one in there.items() if key in self.rows
        }

    def values(self, quantity: str, slots: Iterable[int] | None = None) -> list[One]:
        """Values of a quantity of all devices, or of those in some slots."""
        key = quantity, None if slots is None else tuple(slots)
        if key not in self._values:
            self._values[key] = self._read(*key)
        return self._values[key]

    def _read(self, quantity: str, slots: tuple[int, ...] | None) -> list[One]:
        row = self.rows.get(quantity)
        if row is None or self.analysis is None:
            return []
        slot_of = {
            device.pk: slot
            for slot, device in self.devices.items()
            if slots is None or slot in slots
        }
        scale = self.quantities[quantity].scale if quantity in self.quantities else 1.0
        found = Measurement.objects.filter(
            device__in=list(slot_of), analysis=self.analysis, quantity=row
        ).values_list("device_id", "channel", "condition_id", "value", "uncertainty")
        values = [
            One(slot_of[d], channel, at, value * scale, None if u is None else u * scale)
            for d, channel, at, value, u in found
        ]
        self._learn({one.condition for one in values})
        return values

    def _learn(self, keys: set[int]) -> None:
        new = keys - self.conditions.keys()
        if new:
            self.conditions |= ConditionPoint.objects.in_bulk(new)

    def order(self, condition: int) -> tuple[float, ...]:
        point = self.conditions[condition]
        return tuple(
            -math.inf if value is None else value
            for value in (point.temperature_c, point.light, point.bias_v, point.overvoltage_v)
        )

    def setting(self, condition: int) -> tuple[float, ...]:
        """The part of a condition that was set, in the order of `order`."""
        *set_, overvoltage = self.order(condition)
        return tuple(set_) if math.isfinite(set_[-1]) else (*set_, overvoltage)


def run_view(
    run: Run,
    asked: str | None = None,
    *,
    most: int | None = None,
    after: int = 0,
    slot: int | None = None,
    devices: Iterable[Device] | None = None,
) -> RunView:
    """The run with the analysis that counts, or with the one that was asked for.

    Of all its devices (an import may have ten thousands), or of `most` of them: those after a slot,
    or from `slot` on where that is not among them; or of those of some `devices`.
    """
    analyses = list(
        Analysis.objects.filter(run_file__run=run).select_related("run_file", "made_by")
    )
    chosen = next((one for one in analyses if str(one.pk) == asked), None)
    chosen = chosen or next((one for one in analyses if one.counts), None)
    slots = run.slots.select_related("device__device_type").order_by("slot")
    if devices is not None:
        slots = slots.filter(device__in=list(devices))
    if most is None:
        return RunView(run, chosen, analyses, {row.slot: row.device for row in slots})
    shown = list(slots.filter(slot__gt=after)[: most + 1])
    if slot is not None and slot not in {row.slot for row in shown[:most]}:
        from_slot = list(slots.filter(slot__gte=slot)[: most + 1])
        shown = from_slot if from_slot and from_slot[0].slot == slot else shown
    former: Any = ()
    if after or slot is not None:
        before = slots.filter(slot__lt=shown[0].slot if shown else after + 1)
        former = before.order_by("-slot").values_list("slot", flat=True)[:most]
    return RunView(
        run,
        chosen,
        analyses,
        {row.slot: row.device for row in shown[:most]},
        more=shown[most - 1].slot if len(shown) > most else None,
        fewer=min(former) - 1 if former else None,
    )


@dataclass(frozen=True)
class Grid:
    """Values by (row, column): a row a device or channel, a column a condition."""

    row_names: list[str]
    row_keys: list[tuple[int, int | None]]
    """Slot, and channel where rows are channels."""
    columns: list[ConditionPoint]
    values: dict[tuple[int, int], One]


def grid(view: RunView, quantity: str, slot: int | None = None) -> Grid:
    """Devices against conditions (means over their channels), or one device's channels."""
    values = view.values(quantity, None if slot is None else [slot])
    # A column is what the station set: at one bias devices differ in overvoltage.
    columns: dict[tuple[float, ...], int] = {}
    place = {}
    for key in sorted({one.condition for one in values}, key=view.order):
        place[key] = columns.setdefault(view.setting(key), len(columns))
    firsts = {number: key for key, number in reversed(place.items())}
    cells: dict[tuple[int, int], One] = {}
    if slot is not None:
        channels = sorted({one.channel for one in values})
        keys: list[tuple[int, int | None]] = [(slot, channel) for channel in channels]
        names = [_("device") if c == WHOLE_DEVICE else f"{_('ch.')} {c}" for c in channels]
        for one in values:
            cells[channels.index(one.channel), place[one.condition]] = one
    else:
        keys = [(slot, None) for slot in sorted(view.devices)]
        names = [view.devices[slot].serial for slot, _channel in keys]
        row_of = {key[0]: number for number, key in enumerate(keys)}
        correlated = view.quantities[quantity].correlated if quantity in view.quantities else False
        for (s, at), group in _grouped(values).items():
            cells[row_of[s], place[at]] = mean_of(group, correlated)
    points = [view.conditions[firsts[number]] for number in range(len(columns))]
    return Grid(names, keys, points, cells)


def _grouped(values: Sequence[One]) -> dict[tuple[int, int], list[One]]:
    groups: dict[tuple[int, int], list[One]] = defaultdict(list)
    for one in values:
        groups[one.slot, one.condition].append(one)
    return groups


def mean_of(group: Sequence[One], correlated: bool) -> One:
    """Mean over the channels of a device, or over the devices of a run."""
    value, uncertainty = mean_with_uncertainty(
        [one.value for one in group], [one.uncertainty for one in group], correlated=correlated
    )
    return One(group[0].slot, WHOLE_DEVICE, group[0].condition, value, uncertainty)


@dataclass(frozen=True)
class Trend:
    """Points of one series, and the straight line through them where there is one."""

    name: str
    x: list[float]
    y: list[float]
    error: list[float | None]
    line: Any = None
    """`mppcqa.physics.Line` in display units."""


def trends(
    view: RunView, quantity: str, axis: str, slot: int | None = None, channel: int | None = None
) -> list[Trend]:
    """A quantity against ``bias_v`` or ``temperature_c``, a series for each other condition.

    Means over the channels of a device, and over the devices of the run where no slot is given;
    one channel where it is.
    """
    values = view.values(quantity, None if slot is None else [slot])
    if channel is not None:
        values = [one for one in values if one.channel in (channel, WHOLE_DEVICE)]
    correlated = view.quantities[quantity].correlated if quantity in view.quantities else False
    groups: dict[int, list[One]] = defaultdict(list)
    for one in values:
        groups[one.condition].append(one)
    series: dict[tuple[Any, ...], dict[float, list[One]]] = defaultdict(lambda: defaultdict(list))
    for key, group in groups.items():
        point = view.conditions[key]
        at = getattr(point, axis)
        if at is not None:
            series[_others(point, axis)][at].append(mean_of(group, correlated))
    # Devices differ in overvoltage at one bias: their means at a bias are taken together.
    found = []
    # A name says what tells the series apart; what all have in common, where there is but one.
    common = set.intersection(*map(set, series)) if len(series) > 1 else set()
    for names, points in sorted(series.items(), key=lambda pair: str(pair[0])):
        xs = sorted(points)
        means = [mean_of(points[x], correlated) for x in xs]
        errors = [one.uncertainty for one in means]
        ys = [one.value for one in means]
        name = ", ".join(one for one in names if one not in common)
        found.append(Trend(name, xs, ys, errors, _line(xs, ys, errors)))
    return found


def _others(point: ConditionPoint, axis: str) -> tuple[str, ...]:
    texts = (
        ("bias_v", "{:g} V"), ("temperature_c", "{:g} °C"), ("light", _("light {:g}")),
    )  # fmt: skip
    return tuple(
        text.format(getattr(point, name))
        for name, text in texts
        if name != axis and getattr(point, name) is not None
    )


def _line(x: list[float], y: list[float], error: list[float | None]) -> Any:
    from mppcqa.physics import LineError, fit_line

    usable = [one if one else math.nan for one in error]
    try:
        return fit_line(x, y, usable) if len(x) > 1 else None
    except LineError:
        return None


@dataclass(frozen=True)
class Difference:
    """A quantity of a device at one condition in two runs, or in two analyses of one."""

    name: str
    condition: str
    first: One
    second: One
    same_events: bool
    """Both come from the same events: what they share is no uncertainty of the change."""

    @property
    def change(self) -> float:
        return self.second.value - self.first.value

    @property
    def change_error(self) -> float | None:
        if self.same_events:
            return None
        errors = (self.first.uncertainty, self.second.uncertainty)
        if None in errors:
            return None
        return math.hypot(*(error for error in errors if error is not None))

    @property
    def pull(self) -> float | None:
        """Change in standard uncertainties: its own, or the value's where it has none."""
        error = self.first.uncertainty if self.same_events else self.change_error
        return self.change / error if error else None


def compare(first: RunView, second: RunView, quantity: str) -> list[Difference]:
    """Means of the devices that both runs have, at bias, temperature and light that both have."""
    sides = []
    for view in (first, second):
        correlated = view.quantities[quantity].correlated if quantity in view.quantities else False
        side: dict[tuple[Any, ...], One] = {}
        for (slot, at), group in _grouped(view.values(quantity)).items():
            point = view.conditions[at]
            key = (view.devices[slot].serial, point.temperature_c, point.light, point.bias_v)
            side[key] = mean_of(group, correlated)
        sides.append(side)
    both = sorted(sides[0].keys() & sides[1].keys(), key=str)
    return [
        Difference(
            key[0],
            str(first.conditions[sides[0][key].condition]),
            sides[0][key],
            sides[1][key],
            first.run == second.run,
        )
        for key in both
    ]
