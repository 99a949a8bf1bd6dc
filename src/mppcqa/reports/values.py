"""What a report says of a device, gathered from the database in a fixed number of queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.stages import Quantity, Stage, get_stage
from mppcqa.stages.numbers import mean_with_uncertainty
from mppcqa.testing.models import WHOLE_DEVICE, ConditionPoint, Measurement, Standing


@dataclass
class Value:
    """One value in its display unit."""

    channel: int
    condition: ConditionPoint
    value: float
    uncertainty: float | None


@dataclass
class StageValues:
    """What counts for a device at one stage."""

    stage: Stage
    standing: Standing
    values: dict[str, list[Value]] = field(default_factory=dict)

    @property
    def quantities(self) -> list[Quantity]:
        """Declared quantities that have a value."""
        return [quantity for quantity in self.stage.quantities if quantity.key in self.values]

    def conditions(self) -> list[ConditionPoint]:
        """Conditions of the conditional quantities, by bias."""
        found: dict[int, ConditionPoint] = {}
        for quantity in self.quantities:
            if quantity.conditional:
                found |= {row.condition.pk: row.condition for row in self.values[quantity.key]}
        return sorted(
            found.values(), key=lambda point: (point.temperature_c or 0.0, point.bias_v or 0.0)
        )

    def typical(self, overvoltage_v: float = 1.6) -> ConditionPoint | None:
        """The condition nearest to an overvoltage; the middle one where none is known."""
        points = self.conditions()
        known = [point for point in points if point.overvoltage_v is not None]
        if known:
            return min(known, key=lambda point: abs((point.overvoltage_v or 0) - overvoltage_v))
        return points[len(points) // 2] if points else None

    def mean(self, key: str, condition: ConditionPoint | None = None) -> Value | None:
        """Mean over the channels, with its standard uncertainty."""
        rows = [
            row
            for row in self.values.get(key, ())
            if condition is None or row.condition.pk == condition.pk
        ]
        if not rows:
            return None
        correlated = any(q.key == key and q.correlated for q in self.stage.quantities)
        value, uncertainty = mean_with_uncertainty(
            [row.value for row in rows], [row.uncertainty for row in rows], correlated=correlated
        )
        return Value(WHOLE_DEVICE, rows[0].condition, value, uncertainty)


def scale_and_unit(quantity: Quantity) -> tuple[float, str]:
    """What multiplies a stored value into the unit that people prefer, and that unit."""
    if quantity.display_unit:
        return quantity.display_scale, quantity.display_unit
    return 1.0, quantity.unit


def device_stages(device: Device) -> list[StageValues]:
    """Every stage that the device has passed, in the stages' order."""
    standings = Standing.objects.filter(device=device).select_related(
        "analysis__run_file__run__station",
        "analysis__run_file__run__operator",
        "verdict__limit_set",
    )
    rows: dict[int, list[Measurement]] = defaultdict(list)
    wanted = [standing.analysis_id for standing in standings]
    for row in Measurement.objects.filter(device=device, analysis__in=wanted).select_related(
        "quantity", "condition"
    ):
        rows[row.analysis_id].append(row)
    found = []
    for standing in standings:
        try:
            stage = get_stage(standing.stage)
        except KeyError:
            continue  # the stage's package is not installed here
        section = StageValues(stage, standing)
        scales = {quantity.key: scale_and_unit(quantity)[0] for quantity in stage.quantities}
        for row in rows[standing.analysis_id]:
            scale = scales.get(row.quantity.key, 1.0)
            uncertainty = None if row.uncertainty is None else row.uncertainty * scale
            value = Value(row.channel, row.condition, row.value * scale, uncertainty)
            section.values.setdefault(row.quantity.key, []).append(value)
        found.append(section)
    return found


def limit_text(detail: dict[str, Any], scale: float) -> str:
    """The pass band of a verdict's line in words."""
    low, high = (
        None if detail.get(name) is None else detail[name] * scale
        for name in ("pass_low", "pass_high")
    )
    if low is None and high is None:
        return _("none")
    if low is None:
        return f"≤ {high:.5g}"
    if high is None:
        return f"≥ {low:.5g}"
    return f"{low:.5g} … {high:.5g}"
