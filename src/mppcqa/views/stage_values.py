"""What counts for a device at each stage, gathered in a fixed number of queries."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.conditions import condition_text, distance, holds_at, sort_key, values_there
from mppcqa.results.models import WHOLE_DEVICE, ConditionPoint, QuantityRow, Standing
from mppcqa.results.reading import read_values
from mppcqa.stages import Condition, Stage, all_stages
from mppcqa.stages.numbers import Bound, mean_beside_limits, total
from mppcqa.views.evidence import Evidence, evidence_of
from mppcqa.views.shown import ShownQuantity, shown_quantities

_RUN = "analysis__run_file__run__"
SHOWN = (
    *("device", "stage", "outcome", "verdict__outcome", "verdict__details"),
    *("verdict__limit_set__title", "verdict__limit_set__version"),
    "verdict__limit_set__campaign__name",
    *("verdict__waiver__reason", "verdict__waiver__expires_on"),
    *("verdict__waiver__granted_by__username", "verdict__waiver__granted_at"),
    *("verdict__waiver__signed__signatures", "verdict__waiver__verdict"),
    *("analysis__stage", "analysis__version", "analysis__code_version", "analysis__made_at"),
    *(
        "analysis__problems",
        "analysis__parameters",
        "analysis__shared",
        "analysis__run_file__sha256",
    ),
    *("analysis__counts", "analysis__run_file__kind"),
    *("analysis__run_file__size", "analysis__run_file__original_name"),
    *(f"{_RUN}stage", f"{_RUN}created_at", f"{_RUN}station__name", f"{_RUN}operator__username"),
)
"""What pages and reports say of a standing; its tables have three times as many columns."""
SCALED = ("value", "statistical", "systematic", "pass_low", "pass_high", "warn_low", "warn_high")


class Value(NamedTuple):
    """One value in its display unit; the statistical uncertainty is None where it is unknown."""

    channel: int
    condition: ConditionPoint
    value: float
    statistical: float | None
    systematic: float = 0.0
    bound: Bound = 0
    """1 of an upper limit, -1 of a lower one."""
    limits: int = 0
    """Of a mean: limits among what it is of; not in it, unless it is but a limit itself."""

    @property
    def total(self) -> float | None:
        """Both uncertainties as one."""
        return total(self.statistical, self.systematic)


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
    slot: int | None = None
    """Where the device sat in the run that counts; None where that is not known."""

    def about(
        self, key: str, channel: int | None = WHOLE_DEVICE, at: Condition | None = None
    ) -> Evidence:
        """What a value came from: a channel's, the device's, or a mean over them (None)."""
        return evidence_of(self.standing.analysis, self.slot, key, channel, at)

    @property
    def quantities(self) -> list[ShownQuantity]:
        """Quantities that have a value, in the order in which the stage declares them."""
        return [shown for key, shown in self.declared.items() if key in self.values]

    def conditions(self, *, scope: str | None = None) -> list[ConditionPoint]:
        """Conditions of the conditional quantities, sorted by their axes."""
        found: dict[int, ConditionPoint] = {}
        for quantity in self.quantities:
            if quantity.conditional and scope in (None, quantity.scope):
                found.update((row.condition.id, row.condition) for row in self.values[quantity.key])
        return sorted(found.values(), key=lambda point: sort_key(point.at))

    def typical(self) -> ConditionPoint | None:
        """The condition nearest to the one that the stage calls typical; else the middle one."""
        points = self.conditions(scope="channel")
        wanted = self.stage.typical if self.stage else Condition()
        far = [distance(point.at, wanted) for point in points] if wanted else []
        near = min(far, default=math.inf)
        if math.isfinite(near):
            # Of like points the last, with the source on: values had without it hold there, too.
            return [point for point, steps in zip(points, far, strict=True) if steps == near][-1]
        return points[len(points) // 2] if points else None

    def of_channels(self, key: str, condition: ConditionPoint | None = None) -> dict[int, Value]:
        """Values of a quantity by channel; at a condition if the quantity has any.

        Where nothing was had at just that condition, values count that hold there too: of fewer
        axes (the temperature alone), or with a source off (in the dark).
        """
        shown = self.declared[key]
        rows = [row for row in self.values.get(key, ()) if row.channel != WHOLE_DEVICE]
        if shown.conditional and condition is not None:
            exact = [row for row in rows if row.condition.id == condition.id]
            rows = exact or [row for row in rows if holds_at(row.condition.at, condition.at)]
        return {row.channel: row for row in rows}

    def has_channels(self, key: str) -> bool:
        """Whether a quantity has values of channels, not of the device alone."""
        return any(row.channel != WHOLE_DEVICE for row in self.values.get(key, ()))

    def of_device(self) -> list[tuple[ShownQuantity, Value]]:
        """Values of the device as a whole, a line each."""
        found = []
        for shown in self.quantities:
            rows = [row for row in self.values[shown.key] if row.channel == WHOLE_DEVICE]
            rows.sort(key=lambda row: sort_key(row.condition.at))
            found += [(shown, row) for row in rows]
        return found

    def mean(self, key: str, condition: ConditionPoint | None = None) -> Value | None:
        """Mean over the channels, with its standard uncertainties."""
        rows = [row for row in self.values.get(key, ()) if row.channel != WHOLE_DEVICE]
        if condition is not None:
            exact = [row for row in rows if row.condition.id == condition.id]
            rows = exact or [row for row in rows if holds_at(row.condition.at, condition.at)]
        if not rows:
            return None
        mean = mean_beside_limits(rows)
        return None if mean is None else Value(WHOLE_DEVICE, rows[0].condition, *mean)

    def judged(self) -> list[dict[str, Any]]:
        """The verdict's lines with title and condition in words, numbers in display units."""
        verdict = self.standing.verdict
        return [self._line(detail) for detail in verdict.details] if verdict else []

    def in_words(self, condition: ConditionPoint | Mapping[str, float | None]) -> str:
        """A condition as it is told apart from the others of this stage."""
        if not isinstance(condition, ConditionPoint):
            return condition_text(condition, among=self._there)
        if condition.pk not in self._words:
            self._words[condition.pk] = condition_text(condition.at, among=self._there)
        return self._words[condition.pk]

    @cached_property
    def _words(self) -> dict[int, str]:
        """What was said of a condition: it is said for each value of it."""
        return {}

    @cached_property
    def _there(self) -> dict[str, set[float]]:
        rows = chain.from_iterable(self.values.values())
        return values_there({row.condition.id: row.condition.at for row in rows}.values())

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
            "condition_at": detail.get("condition") or {},
        }


def device_stages(device: Device, first: Sequence[str] = ()) -> list[StageValues]:
    """Every stage that the device has passed, a few queries.

    In the order of `first` (keys: its campaign's), then in that of the stages that there are.
    """
    standings = (
        Standing.objects.filter(device=device)
        .select_related(
            "analysis__run_file__run__station",
            "analysis__run_file__run__operator",
            "verdict__limit_set__campaign",
            "verdict__waiver__granted_by",
            "verdict__waiver__signed",
        )
        .only(*SHOWN)
    )
    values = read_values([device.pk], analyses=[standing.analysis_id for standing in standings])
    # A model's object for each of hundreds of values would take most of the page's time.
    points = ConditionPoint.objects.in_bulk(np.unique(values.condition).tolist())
    quantities = QuantityRow.objects.in_bulk(np.unique(values.quantity).tolist())
    stages = {stage.key: stage for stage in all_stages()}
    order = {key: place for place, key in enumerate(dict.fromkeys((*first, *stages)))}
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
    known = {quantity.key for quantity in (stage.quantities if stage else ())}
    for pk, row in here.items():
        if row.key not in known:
            declared[row.key] = _as_measured(declared[row.key], values, pk, points)
    cells = zip(
        values.quantity.tolist(),
        values.channel.tolist(),
        values.condition.tolist(),
        values.value.tolist(),
        values.statistical.tolist(),
        values.systematic.tolist(),
        values.bound.tolist(),
        strict=True,
    )
    for quantity, channel, condition, value, statistical, systematic, bound in cells:
        rows, scale = own[quantity]
        error = statistical * scale if math.isfinite(statistical) else None
        at, own_systematic = points[condition], systematic * scale
        rows.append(Value(channel, at, value * scale, error, own_systematic, bound))
    return section


def _as_measured(
    shown: ShownQuantity,
    values: MeasurementColumns,
    quantity: int,
    points: Mapping[int, ConditionPoint],
) -> ShownQuantity:
    """A quantity that no stage declares here: its values say whether it has conditions."""
    mine = values.take(values.quantity == quantity)
    return replace(
        shown,
        conditional=any(str(points[pk]) for pk in np.unique(mine.condition).tolist()),
        scope="channel" if (mine.channel != WHOLE_DEVICE).any() else "device",
    )
