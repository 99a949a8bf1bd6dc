"""The maker's values beside ours."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mppcqa.tables.maker_words import makers_value
from mppcqa.tables.units import conversion
from mppcqa.views.stage_values import StageValues

OURS = {
    "breakdown voltage": ("breakdown voltage",),
    "operating voltage": ("operating voltage",),
    "dark current": ("dark current",),
    "dark rate": ("dark rate", "dark count rate"),
}
"""How our quantities' titles begin that are compared with the maker's."""


OTHER = re.compile(r"\bless\b|coefficient|spread|variation|deviation|uniform|per |width")
"""Quantities that are called after these and are others."""


@dataclass(frozen=True)
class Comparison:
    """One value of the maker, and ours of a stage in the same unit."""

    quantity: str
    unit: str
    maker: float
    ours: float
    uncertainty: float
    """Statistical and systematic together; NaN where it is not known."""
    stage: str

    @property
    def difference(self) -> float:
        return self.ours - self.maker


def comparisons(
    maker_values: Mapping[str, Any], sections: Sequence[StageValues]
) -> list[Comparison]:
    """What both have of the device as a whole: means over channels, at one condition.

    A quantity that was measured at several conditions is not compared: the maker's lists do not
    say theirs.
    """
    said: dict[str, list[float]] = defaultdict(list)
    units: dict[str, str] = {}
    for heading, value in maker_values.items():
        found = makers_value(heading, value)
        if found is not None:
            said[found.quantity].append(found.value)
            units[found.quantity] = found.unit
    result = []
    for quantity, values in said.items():
        for section in sections:
            ours = _ours(section, quantity, units[quantity])
            if ours is not None:
                maker = float(np.mean(values))
                result.append(Comparison(quantity, units[quantity], maker, *ours, section.title))
                break
    return result


def _ours(section: StageValues, quantity: str, unit: str) -> tuple[float, float] | None:
    """Mean over the channels, and its uncertainty, in the maker's unit."""
    titles = (
        {one.key: one.title.lower() for one in section.stage.quantities} if section.stage else {}
    )
    for key, shown in section.declared.items():
        title = titles.get(key, "")
        if not title.startswith(OURS[quantity]) or OTHER.search(title):
            continue
        if not section.values.get(key):
            continue
        values = section.values[key]
        change = conversion(shown.unit, unit, difference=True)
        if change is None or len({value.condition.pk for value in values}) > 1:
            continue
        numbers = np.array([value.value for value in values]) * change.factor
        errors = [math.nan if v.total is None else v.total * change.factor for v in values]
        return float(numbers.mean()), float(np.sqrt(np.sum(np.square(errors))) / len(errors))
    return None
