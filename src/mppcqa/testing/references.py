"""Rows that measured values name: quantities and conditions, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from mppcqa.stages import Condition, Stage
from mppcqa.testing.results import ConditionPoint, QuantityRow

BATCH = 1000


class Point(NamedTuple):
    """A condition, as `ConditionPoint` keeps it."""

    bias_v: float | None
    overvoltage_v: float | None
    temperature_c: float | None
    light: float | None


@dataclass(frozen=True)
class Meaning:
    """What the ids in measured values mean: gathered where a transaction first reads or makes them,
    so that it does not ask again. Not for longer: rows that are rolled back leave their ids."""

    points: dict[int, Point] = field(default_factory=dict)
    quantities: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Id -> stage and key."""

    def learn(self, conditions: Iterable[int], quantities: Iterable[int]) -> None:
        """Read what is not known yet of these ids."""
        missing = sorted(set(conditions) - self.points.keys())
        rows = ConditionPoint.objects.order_by().values_list("pk", *Point._fields)
        for start in range(0, len(missing), BATCH):
            for pk, *values in rows.filter(pk__in=missing[start : start + BATCH]):
                self.points[pk] = Point(*values)
        if unknown := set(quantities) - self.quantities.keys():
            declared = QuantityRow.objects.filter(pk__in=unknown).order_by()
            for pk, stage, key in declared.values_list("pk", "stage", "key"):
                self.quantities[pk] = (stage, key)


def quantity_ids(stage: Stage, meaning: Meaning | None = None) -> dict[str, int]:
    """Ids of a stage's quantities by their keys; rows that are not there yet are made.

    What they mean is noted in `meaning`.
    """
    ids = dict(QuantityRow.objects.filter(stage=stage.key).order_by().values_list("key", "pk"))
    for quantity in stage.quantities:
        if quantity.key not in ids:
            row, _ = QuantityRow.objects.get_or_create(
                stage=stage.key,
                key=quantity.key,
                defaults={
                    "title": quantity.title,
                    "symbol": quantity.symbol,
                    "unit": quantity.unit,
                },
            )
            ids[quantity.key] = row.pk
    if meaning is not None:
        meaning.quantities.update((pk, (stage.key, key)) for key, pk in ids.items())
    return ids


def condition_ids(
    conditions: Iterable[Condition], meaning: Meaning | None = None
) -> dict[Condition, int]:
    """Ids of conditions; equal ones share one row for the whole campaign, made if need be.

    What they mean is noted in `meaning`.
    """
    keys = {condition: _condition_key(condition) for condition in set(conditions)}
    found = _points(set(keys.values()))
    missing = {key: condition for condition, key in keys.items() if key not in found}
    if missing:
        ConditionPoint.objects.bulk_create(
            (
                ConditionPoint(
                    key=key,
                    bias_v=condition.bias_v,
                    overvoltage_v=condition.overvoltage_v,
                    temperature_c=condition.temperature_c,
                    light=condition.light,
                )
                for key, condition in sorted(missing.items())
            ),
            batch_size=BATCH,
            ignore_conflicts=True,
        )
        found |= _points(set(missing))
    if meaning is not None:
        meaning.points.update(found.values())
    return {condition: found[key][0] for condition, key in keys.items()}


def _points(keys: set[str]) -> dict[str, tuple[int, Point]]:
    """Ids and what they mean, by key."""
    wanted = sorted(keys)
    rows = ConditionPoint.objects.order_by().values_list("key", "pk", *Point._fields)
    return {
        key: (pk, Point(*values))
        for start in range(0, len(wanted), BATCH)
        for key, pk, *values in rows.filter(key__in=wanted[start : start + BATCH])
    }


def _condition_key(condition: Condition) -> str:
    values = (
        condition.bias_v,
        condition.overvoltage_v,
        condition.temperature_c,
        condition.light,
    )
    return "|".join("" if value is None else f"{value:.6g}" for value in values)
