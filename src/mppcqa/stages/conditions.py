"""A condition: the value of each axis that something was measured at."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import total_ordering
from typing import Any, Self

from mppcqa.stages.axes import DIGITS


@total_ordering
class Condition(Mapping[str, float]):
    """Values by axis key; an axis that does not apply is not there.

    >>> at = Condition(bias_v=71.6, temperature_c=20.0, light=None)
    >>> at["bias_v"], at.get("light")
    (71.6, None)
    >>> at.text
    'bias_v=71.6|temperature_c=20'
    >>> Condition.of_text(at.text) == at
    True
    """

    __slots__ = ("_at", "_hash", "_items")

    def __init__(self, values: Mapping[str, float | None] | None = None, /, **more: Any) -> None:
        """Axis values by key; ``None`` leaves the axis out."""
        both = {**values, **more} if values else more
        self._at: dict[str, float] = {
            key: value for key, value in sorted(both.items()) if value is not None
        }
        self._items = tuple(self._at.items())
        # A page asks for it thousands of times.
        self._hash = hash(self._items)

    def __reduce__(self) -> tuple[Any, ...]:
        """Made anew in another process: texts have another hash there."""
        return (Condition, (self._at,))

    @property
    def text(self) -> str:
        """The condition in one line, by which equal ones are known."""
        return "|".join(f"{key}={value:.{DIGITS}g}" for key, value in self._items)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The condition of a line that `text` gave; `ValueError` for any other."""
        pairs = (part.split("=", 1) for part in text.split("|") if part)
        return cls({key: float(value) for key, value in pairs})

    def rounded(self) -> Condition:
        """With the digits that its text has, as the database keeps it."""
        return self.of_text(self.text)

    def but(self, **changes: float | None) -> Condition:
        """The same with other values; ``None`` takes an axis away."""
        return Condition(self._at, **changes)

    def without(self, *axes: str) -> Condition:
        """The same without some axes."""
        return Condition({key: value for key, value in self._items if key not in axes})

    def __getitem__(self, axis: str) -> float:
        return self._at[axis]

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Condition) and self._items == other._items

    def __lt__(self, other: Condition) -> bool:
        return self._items < other._items

    def __repr__(self) -> str:
        return f"Condition({', '.join(f'{key}={value!r}' for key, value in self._items)})"


ANYWHERE = Condition()
"""The condition of what depends on none."""
LEAST_BIAS_V = 15.0
"""A voltage below, named without saying of what, is one above breakdown."""


def at_volts(volts: float) -> Condition:
    """What "at 3 V" and "at 55 V" mean in a heading."""
    return Condition({"overvoltage_v" if volts < LEAST_BIAS_V else "bias_v": volts})
