"""Conditions in the database and in words."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _

from mppcqa.digits import number
from mppcqa.stages import Axis, Condition, all_axes, get_axis

MOST_CHARACTERS = 250
KEPT = 4096
"""Conditions whose parts are remembered: a page asks for those of few, value by value."""


if TYPE_CHECKING:
    _Text = models.CharField[Condition, Condition]
else:
    _Text = models.CharField


class ConditionField(_Text):
    """A `mppcqa.stages.Condition`, kept as its text; axis values have six significant digits."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"max_length": MOST_CHARACTERS, **options})

    def from_db_value(self, value: str | None, *_context: Any) -> Condition | None:
        return None if value is None else Condition.of_text(value)

    def to_python(self, value: Any) -> Any:
        if value is None or isinstance(value, Condition):
            return value
        try:
            return Condition.of_text(value)
        except ValueError as error:
            raise ValidationError(_("“%s” is no condition.") % value) from error

    def get_prep_value(self, value: Any) -> Any:
        return value.text if isinstance(value, Condition) else value

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.get_prep_value(self.value_from_object(obj)))


def told_axes(condition: Mapping[str, float]) -> list[Axis]:
    """The axes of a condition in the order in which it is told; those of no stage come last."""
    known = [axis for key, axis in all_axes().items() if key in condition]
    return known + [get_axis(key) for key in condition if key not in all_axes()]


def value_text(axis: Axis, value: float) -> str:
    """``71.6 V``, ``wavelength 405 nm``: a value of an axis in the reader's language."""
    if axis.words:
        return _(axis.words).replace("{:g}", number(value, 6)).format(value)
    return f"{_(axis.title)} {number(value, 6)} {axis.unit}".strip()


def condition_text(
    condition: Mapping[str, float | None], *, among: Mapping[str, Collection[float]] | None = None
) -> str:
    """A condition in words, in the reader's language.

    among
        For axes that can be off, the values beside which it stands: one that does not differ is
        not said, and one of two, beside "off", needs no number.
    """
    at = {key: value for key, value in condition.items() if value is not None}
    parts = []
    for axis in told_axes(at):
        value, others = at[axis.key], (among or {}).get(axis.key)
        if axis.off is None or others is None or len(others) > 2:
            parts.append(value_text(axis, value))
        elif len(others) == 2 and axis.off in others and axis.off_words:
            parts.append(_(axis.off_words if value == axis.off else axis.on_words))
        elif len(others) == 2:
            parts.append(value_text(axis, value))
    return ", ".join(parts)


def values_there(conditions: Iterable[Condition]) -> dict[str, set[float]]:
    """The values of each axis that occur in some conditions."""
    found: dict[str, set[float]] = {}
    for condition in set(conditions):
        for key, value in condition.items():
            found.setdefault(key, set()).add(value)
    return found


@lru_cache(KEPT)
def sort_key(condition: Condition) -> tuple[float, ...]:
    """By the axis of the highest rank first; an axis that does not apply comes before any value."""
    axes = sorted(all_axes().values(), key=lambda axis: -axis.rank)
    return tuple(condition.get(axis.key, -math.inf) for axis in axes)


@lru_cache(KEPT)
def setting(condition: Condition) -> Condition:
    """The part of a condition that was set: without what only follows from it."""
    follows = [
        axis.key
        for axis in told_axes(condition)
        if axis.stands_for and axis.stands_for in condition
    ]
    return condition.without(*follows) if follows else condition


def compared(condition: Condition) -> Condition:
    """What a condition is compared by over the campaign: rounded, by overvoltage if it is known."""
    axes = told_axes(condition)
    replaced = {axis.stands_for for axis in axes}
    return Condition(
        {axis.key: axis.rounded(condition[axis.key]) for axis in axes if axis.key not in replaced}
    )


def holds_at(own: Condition, other: Condition) -> bool:
    """Whether a value had at its own condition tells of another: what was set does not differ.

    What was had with a source switched off holds at all of its settings. What was done before is
    the same for all that one run measured, and not set by it.
    """
    return all(
        value == other.get(key) or value == get_axis(key).off
        for key, value in own.items()
        if not get_axis(key).stands_for and not get_axis(key).adds_up
    )


@lru_cache(KEPT)
def without_sums(condition: Condition) -> Condition:
    """The condition without what had been done to the device before."""
    return condition.without(*(key for key in condition if get_axis(key).adds_up))


@lru_cache(KEPT)
def without_sources(condition: Condition) -> Condition:
    """The condition without the axes of sources that can be off (the light)."""
    return condition.without(*(key for key in condition if get_axis(key).off is not None))


def distance(condition: Condition, wanted: Condition) -> float:
    """How far a condition is from a wanted one, in steps of its axes; infinite without an axis.

    Axes that are not wanted do not matter.
    """
    steps = 0.0
    for key, value in wanted.items():
        if key not in condition:
            return math.inf
        steps += abs(condition[key] - value) / (get_axis(key).resolution or 1.0)
    return round(steps, 9)  # so that what is equally far is so to the last bit


def tells_of(condition: Condition, wanted: Condition) -> bool:
    """Whether what was had at a condition may be judged as had at a wanted one: each axis near."""
    return all(
        key in condition and get_axis(key).is_near(condition[key], value)
        for key, value in wanted.items()
    )
