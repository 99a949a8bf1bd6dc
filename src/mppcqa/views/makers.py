"""The maker's values beside ours."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mppcqa.tables.maker_words import MakersValue, makers_value
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
    together: int = 0
    """Channels whose sum `ours` is, where the maker's is of the whole device; 0 for a mean."""

    @property
    def difference(self) -> float:
        return self.ours - self.maker


SCALES = {"V": (1.0, "V"), "A": (1e9, "nA"), "Hz": (1e-3, "kHz")}
"""The unit that people read a quantity in, and what multiplies the maker's unit into it."""
SUMS = ("dark current", "dark rate")
"""Quantities of which a whole device has the sum of its channels."""


@dataclass(frozen=True)
class Said:
    """A maker's value of a device: the mean over its channels, or that of the whole."""

    quantity: str
    value: float
    unit: str
    whole: bool
    """Whether it is the sum of the channels, as rates and currents of a whole device are."""


def said_of(maker_values: Mapping[str, Any]) -> dict[str, Said]:
    """What a maker says of a device, by quantity; where there is a value a channel, their mean.

    >>> said_of({"DCR (MHz)": 16.0, "DCR ch1 (MHz)": 1.0, "DCR ch2 (MHz)": 2.0})["dark rate"]
    Said(quantity='dark rate', value=1500000.0, unit='Hz', whole=False)
    >>> said_of({"DCR (MHz)": 16.0})["dark rate"].whole
    True
    """
    found: dict[str, list[MakersValue]] = defaultdict(list)
    for heading, value in maker_values.items():
        one = makers_value(heading, value)
        if one is not None:
            found[one.quantity].append(one)
    result = {}
    for quantity, some in found.items():
        of_channels = [one for one in some if one.channel is not None]
        mean = float(np.mean([one.value for one in of_channels or some]))
        whole = not of_channels and quantity in SUMS
        result[quantity] = Said(quantity, mean, some[0].unit, whole)
    return result


def comparisons(
    maker_values: Mapping[str, Any], sections: Sequence[StageValues], channels: int = 1
) -> list[Comparison]:
    """What both have of a device of so many channels, at one condition.

    Voltages are means over channels; a rate or current that the maker gives of the whole is
    compared with the sum, where all channels have one. A quantity that was measured at several
    conditions is not compared: the maker's lists do not say theirs.
    """
    result = []
    for quantity, said in said_of(maker_values).items():
        together = channels if said.whole and channels > 1 else 0
        for section in sections:
            ours = _ours(section, quantity, said.unit, together)
            if ours is not None:
                result.append(
                    Comparison(quantity, said.unit, said.value, *ours, section.title, together)
                )
                break
    return result


def _ours(
    section: StageValues, quantity: str, unit: str, together: int
) -> tuple[float, float] | None:
    """Mean over the channels, or the sum of `together`; its uncertainty; in the maker's unit."""
    titles = (
        {one.key: one.title.lower() for one in section.stage.quantities} if section.stage else {}
    )
    for key, shown in section.declared.items():
        title = titles.get(key, "")
        if not title.startswith(OURS[quantity]) or OTHER.search(title):
            continue
        values = [value for value in section.values.get(key, ()) if not value.bound]
        if not values:
            continue
        change = conversion(shown.unit, unit, difference=True)
        if change is None or len({value.condition.pk for value in values}) > 1:
            continue
        numbers = np.array([value.value for value in values]) * change.factor
        errors = [math.nan if v.total is None else v.total * change.factor for v in values]
        error = float(np.sqrt(np.sum(np.square(errors))))
        if together:
            if len(numbers) != together:
                continue
            return float(numbers.sum()), error
        return float(numbers.mean()), error / len(errors)
    return None
