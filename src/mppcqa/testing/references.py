"""Rows that measured values name: quantities and conditions, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Iterable

from mppcqa.stages import Condition, Stage
from mppcqa.testing.results import ConditionPoint, QuantityRow

BATCH = 1000


def quantity_ids(stage: Stage) -> dict[str, int]:
    """Ids of a stage's quantities by their keys; rows that are not there yet are made."""
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
    return ids


def condition_ids(conditions: Iterable[Condition]) -> dict[Condition, int]:
    """Ids of conditions; equal ones share one row for the whole campaign, made if need be."""
    keys = {condition: _condition_key(condition) for condition in set(conditions)}
    ids = _points(set(keys.values()))
    missing = {key: condition for condition, key in keys.items() if key not in ids}
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
        ids |= _points(set(missing))
    return {condition: ids[key] for condition, key in keys.items()}


def _points(keys: set[str]) -> dict[str, int]:
    wanted = sorted(keys)
    rows = ConditionPoint.objects.order_by().values_list("key", "pk")
    return {
        key: pk
        for start in range(0, len(wanted), BATCH)
        for key, pk in rows.filter(key__in=wanted[start : start + BATCH])
    }


def _condition_key(condition: Condition) -> str:
    values = (
        condition.bias_v,
        condition.overvoltage_v,
        condition.temperature_c,
        condition.light,
    )
    return "|".join("" if value is None else f"{value:.6g}" for value in values)
