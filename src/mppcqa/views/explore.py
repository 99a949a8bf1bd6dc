"""Looking into one run: its values as a grid, as trends, and beside those of another run.

All from the database, a quantity at a time; what lies in the run file is `mppcqa.views.cells`.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import setting, sort_key, without_sums
from mppcqa.results.models import WHOLE_DEVICE, Analysis, ConditionPoint, Measurement, QuantityRow
from mppcqa.results.reading import read_values
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Condition, Stage, all_stages
from mppcqa.stages.numbers import Bound, mean_beside_limits, total
from mppcqa.views.evidence import Evidence, evidence_of
from mppcqa.views.shown import ShownQuantity, shown_quantities

Cells = tuple[int, int, int, float, float | None, float, Bound | None]


class One(NamedTuple):
    """A value in its display unit; the statistical uncertainty is None if it is unknown."""

    slot: int
    channel: int
    condition: int
    value: float
    statistical: float | None
    systematic: float = 0.0
    bound: Bound = 0
    """1 of an upper limit, -1 of a lower one."""
    limits: int = 0
    """Of a mean: limits that are not in it."""

    @property
    def total(self) -> float | None:
        """Both uncertainties as one."""
        return total(self.statistical, self.systematic)


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
    _columns: dict[tuple[int, ...] | None, MeasurementColumns] = field(default_factory=dict)

    @property
    def imported(self) -> bool:
        """Values came from a table: there are no events to look at, nor to analyse again."""
        kinds = {one.run_file.kind for one in self.analyses}
        return bool(kinds) and RunFile.Kind.RUN not in kinds

    @property
    def other(self) -> int | None:
        """The analysis that is looked at where it is not the one that counts."""
        return None if self.analysis is None or self.analysis.counts else self.analysis.pk

    def about(self, quantity: str, one: One, *, mean: bool = False) -> Evidence | None:
        """What a value came from; None where nothing was analysed."""
        if self.analysis is None:
            return None
        at = self.conditions[one.condition].at
        return evidence_of(self.analysis, one.slot, quantity, None if mean else one.channel, at)

    def about_all(self, quantity: str, slot: int | None = None) -> Evidence | None:
        """What a mean over the devices came from, or over all there is of one of them."""
        return None if self.analysis is None else evidence_of(self.analysis, slot, quantity, None)

    @property
    def first_slot(self) -> int:
        return min(self.devices, default=0)

    @property
    def last_slot(self) -> int:
        return max(self.devices, default=0)

    @property
    def stage(self) -> Stage | None:
        """None where the stage's package is not installed here."""
        key = self.analysis.stage if self.analysis else self.run.stage
        return next((stage for stage in all_stages() if stage.key == key), None)

    @property
    def headlines(self) -> set[str]:
        """Quantities that the stage wants to be seen first."""
        return {one.key for one in self.stage.quantities if one.headline} if self.stage else set()

    @cached_property
    def rows(self) -> dict[str, Any]:
        """Every quantity of the stage; `there` says whether a device shown has a value of it."""
        stage = self.analysis.stage if self.analysis else self.run.stage
        ids = [device.pk for device in self.devices.values()]
        mine = Measurement.objects.filter(
            analysis=self.analysis, device__in=ids, quantity=OuterRef("pk")
        )
        # The values themselves say what was measured: nothing else is kept for every quantity.
        rows = QuantityRow.objects.filter(stage=stage).annotate(there=Exists(mine))
        return {row.key: row for row in rows}

    @cached_property
    def known(self) -> dict[str, ShownQuantity]:
        """All quantities of the stage, in the order in which it declares them."""
        shown = shown_quantities(self.stage, self.rows)
        return {key: one for key, one in shown.items() if key in self.rows}

    @cached_property
    def quantities(self) -> dict[str, ShownQuantity]:
        """Those of which a device shown has a value."""
        return {key: one for key, one in self.known.items() if self.rows[key].there}

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
        slot_of = self._slots(slots)
        scale = self.known[quantity].scale
        found: Iterable[Cells]
        if slots in self._columns:
            found = _rows(self._columns[slots], row.pk)
        else:
            found = Measurement.objects.filter(
                device__in=list(slot_of), analysis=self.analysis, quantity=row
            ).values_list(
                *("device_id", "channel", "condition_id", "value", "statistical", "systematic"),
                "bound",
            )
        values = [
            One(
                *(slot_of[d], channel, at, v * scale),
                *(None if u is None else u * scale, s * scale, b or 0),
            )
            for d, channel, at, v, u, s, b in found
        ]
        self._learn({one.condition for one in values})
        return values

    def _slots(self, slots: tuple[int, ...] | None) -> dict[int, int]:
        """Device (id) -> slot, of all or some slots."""
        return {
            device.pk: slot
            for slot, device in self.devices.items()
            if slots is None or slot in slots
        }

    def read_all(self, slots: Iterable[int] | None = None) -> dict[str, set[int]]:
        """Read the values of all quantities at once; conditions (ids) by quantity that has any."""
        key = None if slots is None else tuple(slots)
        if self.analysis is None:
            return {}
        if key not in self._columns:
            ids = list(self._slots(key))
            self._columns[key] = read_values(ids, analyses=[self.analysis.pk])
        columns = self._columns[key]
        self._learn(set(np.unique(columns.condition).tolist()))
        pairs = np.unique(np.stack([columns.quantity, columns.condition]), axis=1).T.tolist()
        at: dict[int, set[int]] = defaultdict(set)
        for quantity, condition in pairs:
            at[quantity].add(condition)
        return {name: at[self.rows[name].pk] for name in self.known if at[self.rows[name].pk]}

    def _learn(self, keys: set[int]) -> None:
        new = keys - self.conditions.keys()
        if new:
            self.conditions |= ConditionPoint.objects.in_bulk(new)

    def setting(self, condition: int) -> Condition:
        """The part of a condition that was set."""
        return setting(self.conditions[condition].at)


def _rows(columns: MeasurementColumns, quantity: int) -> Iterator[Cells]:
    """Device, channel, condition, value, both uncertainties and bound of a quantity's rows."""
    mine = columns.take(columns.quantity == quantity)
    cells = (mine.device, mine.channel, mine.condition, mine.value, mine.statistical)
    rows = zip(*(column.tolist() for column in (*cells, mine.systematic, mine.bound)), strict=True)
    for device, channel, condition, value, error, systematic, bound in rows:
        known = None if math.isnan(error) else error
        yield device, channel, condition, value, known, systematic, bound


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
    columns: dict[Condition, int] = {}
    place = {}
    for key in sorted({one.condition for one in values}, key=lambda k: sort_key(view.setting(k))):
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
        for (s, at), group in _grouped(values).items():
            if (mean := mean_of(group)) is not None:
                cells[row_of[s], place[at]] = mean
    points = [view.conditions[firsts[number]] for number in range(len(columns))]
    return Grid(names, keys, points, cells)


def _grouped(values: Sequence[One]) -> dict[tuple[int, int], list[One]]:
    groups: dict[tuple[int, int], list[One]] = defaultdict(list)
    for one in values:
        groups[one.slot, one.condition].append(one)
    return groups


def mean_of(group: Sequence[One]) -> One | None:
    """Mean over the channels of a device, or over the devices of a run; None if it is unknown."""
    mean = mean_beside_limits(group)
    if mean is None:
        return None
    return One(group[0].slot, WHOLE_DEVICE, group[0].condition, *mean)


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
        if self.same_events or self.first.bound or self.second.bound:
            return None
        errors = (self.first.total, self.second.total)
        if None in errors:
            return None
        return math.hypot(*(error for error in errors if error is not None))

    @property
    def pull(self) -> float | None:
        """Change in standard uncertainties: its own, or the value's where it has none."""
        if self.first.bound or self.second.bound:
            return None
        error = self.first.statistical if self.same_events else self.change_error
        return self.change / error if error else None


def compare(first: RunView, second: RunView, quantity: str) -> list[Difference]:
    """Means of the devices that both runs have, at the settings that both have."""
    sides = []
    for view in (first, second):
        side: dict[tuple[Any, ...], One] = {}
        for (slot, at), group in _grouped(view.values(quantity)).items():
            # What was done to a device between two runs is what they are compared for.
            key = (view.devices[slot].serial, without_sums(view.setting(at)))
            if (mean := mean_of(group)) is not None:
                side[key] = mean
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
