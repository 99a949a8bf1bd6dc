"""What counts for a device at each stage, gathered in a fixed number of queries.

Pages, reports and the command line show the same numbers because they all take them from here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.stages import Stage, all_stages
from mppcqa.stages.numbers import mean_with_uncertainty
from mppcqa.testing.bulk_values import MeasurementColumns
from mppcqa.testing.models import (
    WHOLE_DEVICE,
    ConditionPoint,
    QuantityRow,
    Standing,
    condition_text,
)
from mppcqa.testing.reading import read_values

_RUN = "analysis__run_file__run__"
SHOWN = (
    *("device", "stage", "outcome", "verdict__outcome", "verdict__details"),
    *("verdict__limit_set__title", "verdict__limit_set__version"),
    *("verdict__waiver__reason", "verdict__waiver__expires_on"),
    *("verdict__waiver__granted_by", "verdict__waiver__granted_at"),
    *("analysis__stage", "analysis__version", "analysis__code_version", "analysis__made_at"),
    *("analysis__problems", "analysis__parameters", "analysis__run_file__sha256"),
    *("analysis__run_file__size", "analysis__run_file__original_name"),
    *(f"{_RUN}stage", f"{_RUN}created_at", f"{_RUN}station__name", f"{_RUN}operator__username"),
)
"""What pages and reports say of a standing; its tables have three times as many columns."""
SCALED = ("value", "uncertainty", "pass_low", "pass_high", "warn_low", "warn_high")


@dataclass(frozen=True)
class ShownQuantity:
    """A quantity as people read it: title in their language, unit that they prefer."""

    key: str
    title: str
    symbol: str
    unit: str
    scale: float = 1.0
    """Multiplies a stored value into `unit`."""
    conditional: bool = False
    scope: str = "channel"
    correlated: bool = False

    @property
    def head(self) -> str:
        """Title with the unit, as the head of a column."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


class Value(NamedTuple):
    """One value in its display unit; the uncertainty is None where it is unknown."""

    channel: int
    condition: ConditionPoint
    value: float
    uncertainty: float | None


@dataclass
class StageValues:
    """What counts for a device at one stage."""

    key: str
    title: str
    stage: Stage | None
    """None where the stage's package is not installed here."""
    standing: Standing
    declared: dict[str, ShownQuantity]
    values: dict[str, list[Value]] = field(default_factory=dict)

    @property
    def quantities(self) -> list[ShownQuantity]:
        """Quantities that have a value, in the order in which the stage declares them."""
        return [shown for key, shown in self.declared.items() if key in self.values]

    def conditions(self, *, scope: str | None = None) -> list[ConditionPoint]:
        """Conditions of the conditional quantities, by temperature, light and bias."""
        found: dict[int, ConditionPoint] = {}
        for quantity in self.quantities:
            if quantity.conditional and scope in (None, quantity.scope):
                found.update((row.condition.id, row.condition) for row in self.values[quantity.key])
        return sorted(found.values(), key=_order)

    def typical(self, overvoltage_v: float = 1.6) -> ConditionPoint | None:
        """The condition nearest to an overvoltage; the middle one where none is known."""
        points = self.conditions(scope="channel")
        known = [point for point in points if point.overvoltage_v is not None]
        if known:
            # Of like points the lit one, which the values had in the dark hold at, too.
            return min(
                known,
                key=lambda point: (
                    abs((point.overvoltage_v or 0) - overvoltage_v),
                    -(point.light or 0),
                ),
            )
        return points[len(points) // 2] if points else None

    def of_channels(self, key: str, condition: ConditionPoint | None = None) -> dict[int, Value]:
        """Values of a quantity by channel; at a condition if the quantity has any.

        Where nothing was had at just that condition, values count that hold there too: of the
        temperature alone, or in the dark at the same bias and temperature.
        """
        shown = self.declared[key]
        rows = [row for row in self.values.get(key, ()) if row.channel != WHOLE_DEVICE]
        if shown.conditional and condition is not None:
            exact = [row for row in rows if row.condition.id == condition.id]
            rows = exact or [row for row in rows if _holds_at(row.condition, condition)]
        return {row.channel: row for row in rows}

    def of_device(self) -> list[tuple[ShownQuantity, Value]]:
        """Values of the device as a whole, a line each."""
        found = []
        for shown in self.quantities:
            rows = [row for row in self.values[shown.key] if row.channel == WHOLE_DEVICE]
            rows.sort(key=lambda row: _order(row.condition))
            found += [(shown, row) for row in rows]
        return found

    def mean(self, key: str, condition: ConditionPoint | None = None) -> Value | None:
        """Mean over the channels, with its standard uncertainty."""
        rows = self.values.get(key, [])
        if condition is not None:
            exact = [row for row in rows if row.condition.id == condition.id]
            rows = exact or [row for row in rows if _holds_at(row.condition, condition)]
        if not rows:
            return None
        value, uncertainty = mean_with_uncertainty(
            [row.value for row in rows],
            [row.uncertainty for row in rows],
            correlated=self.declared[key].correlated,
        )
        return Value(WHOLE_DEVICE, rows[0].condition, value, uncertainty)

    def judged(self) -> list[dict[str, Any]]:
        """The verdict's lines with title and condition in words, numbers in display units."""
        verdict = self.standing.verdict
        return [self._line(detail) for detail in verdict.details] if verdict else []

    def in_words(self, condition: ConditionPoint | Mapping[str, float | None]) -> str:
        """A condition as it is told apart from the others of this stage."""
        values = condition.values() if isinstance(condition, ConditionPoint) else condition
        return condition_text(values, lights=self._lights)

    @cached_property
    def _lights(self) -> set[float]:
        rows = chain.from_iterable(self.values.values())
        return {row.condition.light for row in rows if row.condition.light is not None}

    def _line(self, detail: dict[str, Any]) -> dict[str, Any]:
        key = detail["quantity"]
        shown = self.declared.get(key) or ShownQuantity(key, key, "", "")
        scaled = {
            name: detail[name] * shown.scale
            for name in SCALED
            if isinstance(detail.get(name), int | float)
        }
        return {
            **detail,
            **scaled,
            "shown": shown,
            "title": shown.title,
            "unit": shown.unit,
            "condition": self.in_words(detail.get("condition") or {}),
        }


def device_stages(device: Device) -> list[StageValues]:
    """Every stage that the device has passed, in the stages' order; a few queries."""
    standings = (
        Standing.objects.filter(device=device)
        .select_related(
            "analysis__run_file__run__station",
            "analysis__run_file__run__operator",
            "verdict__limit_set",
            "verdict__waiver",
        )
        .only(*SHOWN)
    )
    values = read_values([device.pk], analyses=[standing.analysis_id for standing in standings])
    # A model's object for each of hundreds of values would take most of the page's time.
    points = ConditionPoint.objects.in_bulk(np.unique(values.condition).tolist())
    quantities = QuantityRow.objects.in_bulk(np.unique(values.quantity).tolist())
    stages = {stage.key: stage for stage in all_stages()}
    order = {key: place for place, key in enumerate(stages)}
    return [
        _gather(
            stages.get(standing.stage),
            standing,
            values.take(values.analysis == standing.analysis_id),
            quantities,
            points,
        )
        for standing in sorted(standings, key=lambda one: order.get(one.stage, len(order)))
    ]


def _gather(
    stage: Stage | None,
    standing: Standing,
    values: MeasurementColumns,
    quantities: Mapping[int, QuantityRow],
    points: Mapping[int, ConditionPoint],
) -> StageValues:
    here = {pk: quantities[pk] for pk in np.unique(values.quantity).tolist()}
    declared = shown_quantities(stage, {row.key: row for row in here.values()})
    title = _(stage.title) if stage else standing.stage
    section = StageValues(standing.stage, title, stage, standing, declared)
    own = {
        pk: (section.values.setdefault(row.key, []), declared[row.key].scale)
        for pk, row in here.items()
    }
    cells = zip(
        values.quantity.tolist(),
        values.channel.tolist(),
        values.condition.tolist(),
        values.value.tolist(),
        values.uncertainty.tolist(),
        strict=True,
    )
    for quantity, channel, condition, value, uncertainty in cells:
        rows, scale = own[quantity]
        known = uncertainty * scale if math.isfinite(uncertainty) else None
        rows.append(Value(channel, points[condition], value * scale, known))
    return section


def shown_quantities(
    stage: Stage | None, present: dict[str, QuantityRow]
) -> dict[str, ShownQuantity]:
    """What the stage declares, then what it no longer declares but was measured."""
    shown = {
        quantity.key: ShownQuantity(
            quantity.key,
            _(quantity.title),
            quantity.symbol,
            quantity.display_unit or quantity.unit,
            quantity.display_scale if quantity.display_unit else 1.0,
            quantity.conditional,
            quantity.scope,
            quantity.correlated,
        )
        for quantity in (stage.quantities if stage else ())
    }
    for key, row in present.items():
        shown.setdefault(key, ShownQuantity(key, row.title, row.symbol, row.unit))
    return shown


def _order(point: ConditionPoint) -> tuple[float, ...]:
    return tuple(
        -math.inf if value is None else value
        for value in (point.temperature_c, point.light, point.overvoltage_v, point.bias_v)
    )


def _holds_at(own: ConditionPoint, condition: ConditionPoint) -> bool:
    """Whether a value had at its own condition tells of another: what was set does not differ."""
    return all(
        getattr(own, name) in (None, getattr(condition, name))
        or (name == "light" and getattr(own, name) == 0)
        for name in ("bias_v", "temperature_c", "light")
    )
