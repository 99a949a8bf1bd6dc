"""Rows that measured values name: quantities and conditions, made where they are not there yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from mppcqa.results.conditions import MOST_CHARACTERS
from mppcqa.results.models import ConditionPoint, QuantityRow
from mppcqa.stages import Condition, Stage, all_axes
from mppcqa.stages.axes import SHARED_AXES

BATCH = 1000


@dataclass(frozen=True)
class Meaning:
    """What the ids in measured values mean: gathered where a transaction first reads or makes them,
    so that it does not ask again. Not for longer: rows that are rolled back leave their ids."""

    points: dict[int, Condition] = field(default_factory=dict)
    quantities: dict[int, tuple[str, str]] = field(default_factory=dict)
    """Id -> stage and key."""

    def learn(self, conditions: Iterable[int], quantities: Iterable[int]) -> None:
        """Read what is not known yet of these ids."""
        missing = sorted(set(conditions) - self.points.keys())
        rows = ConditionPoint.objects.order_by().values_list("pk", "at")
        for start in range(0, len(missing), BATCH):
            self.points.update(rows.filter(pk__in=missing[start : start + BATCH]))
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
    texts = {condition: condition.text for condition in set(conditions)}
    too_long = next((text for text in texts.values() if len(text) > MOST_CHARACTERS), None)
    if too_long is not None:
        raise ValueError(f"a condition of so many axes can't be stored: {too_long[:80]} …")
    found = _points(set(texts.values()))
    missing = sorted(set(texts.values()) - found.keys())
    if missing:
        ConditionPoint.objects.bulk_create(
            (ConditionPoint(at=Condition.of_text(text)) for text in missing),
            batch_size=BATCH,
            ignore_conflicts=True,
        )
        found |= _points(set(missing))
    if meaning is not None:
        meaning.points.update(found.values())
    return {condition: found[text][0] for condition, text in texts.items()}


def _points(texts: set[str]) -> dict[str, tuple[int, Condition]]:
    """Ids and conditions as they are stored, by their text."""
    wanted = sorted(texts)
    rows = ConditionPoint.objects.order_by().values_list("pk", "at")
    return {
        at.text: (pk, at)
        for start in range(0, len(wanted), BATCH)
        for pk, at in rows.filter(at__in=wanted[start : start + BATCH])
    }


def stored_axes() -> list[str]:
    """Keys of the shared axes, and of each other axis that a stored condition has."""
    shared = [axis.key for axis in SHARED_AXES]
    there = {key for at in ConditionPoint.objects.values_list("at", flat=True) for key in at}
    known = [key for key in all_axes() if key in there or key in shared]
    return known + sorted(there - set(known))
