"""Rows that measured values name: quantities and conditions, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Iterable

from mppcqa.stages import Condition, Stage
from mppcqa.testing.results import ConditionPoint, QuantityRow

BATCH = 1000


def quantity_rows(stage: Stage) -> dict[str, QuantityRow]:
    """The database's rows of a stage's quantities, made where they are not there yet."""
    rows = {row.key: row for row in QuantityRow.objects.filter(stage=stage.key)}
    for quantity in stage.quantities:
        if quantity.key not in rows:
            rows[quantity.key], _ = QuantityRow.objects.get_or_create(
                stage=stage.key,
                key=quantity.key,
                defaults={
                    "title": quantity.title,
                    "symbol": quantity.symbol,
                    "unit": quantity.unit,
                },
            )
    return rows


def condition_rows(conditions: Iterable[Condition]) -> dict[Condition, ConditionPoint]:
    """Rows of conditions; equal conditions share one for the whole campaign."""
    keys = {condition: _condition_key(condition) for condition in set(conditions)}
    rows = _points(set(keys.values()))
    missing = {key: condition for condition, key in keys.items() if key not in rows}
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
        rows |= _points(set(missing))
    return {condition: rows[key] for condition, key in keys.items()}


def _points(keys: set[str]) -> dict[str, ConditionPoint]:
    wanted = sorted(keys)
    return {
        row.key: row
        for start in range(0, len(wanted), BATCH)
        for row in ConditionPoint.objects.filter(key__in=wanted[start : start + BATCH])
    }


def _condition_key(condition: Condition) -> str:
    values = (
        condition.bias_v,
        condition.overvoltage_v,
        condition.temperature_c,
        condition.light,
    )
    return "|".join("" if value is None else f"{value:.6g}" for value in values)
