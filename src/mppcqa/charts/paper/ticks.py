"""Round ticks and what stands at them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mppcqa.charts.paper.lettering import RAISED

_RAISED = str.maketrans("0123456789-", RAISED)


def raised(exponent: int) -> str:
    """``10⁶``."""
    return f"10{str(exponent).translate(_RAISED)}"


@dataclass(frozen=True)
class Ticks:
    """Values of an axis that are marked, their labels, and the power of ten that all share."""

    values: tuple[float, ...]
    labels: tuple[str, ...]
    power: int = 0
    """Labels times ten to this power are the values."""

    def title(self, name: str, unit: str) -> str:
        """The axis's title, with the power where it can't be overlooked: ``Rate [10⁶ Hz]``."""
        parts = [raised(self.power)] if self.power else []
        parts += [unit] if unit else []
        return f"{name} [{' '.join(parts)}]" if parts else name


def step_of(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that divides a span into at most so many."""
    rough = span / max(most, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    return next(one * power for one in (1, 2, 5, 10) if one * power >= rough * (1 - 1e-9))


def linear(low: float, high: float, most: int) -> Ticks:
    """Round ticks inside [low, high], which must differ: at most so many, and two at least.

    Five may be needed where two or three are asked for: a coarser step would leave one.
    """
    for number in range(most, 10 * most + 10):
        step = step_of(high - low, number)
        first = math.ceil(low / step - 1e-9)
        last = math.floor(high / step + 1e-9)
        if last > first:
            break
    return marked([n * step for n in range(first, last + 1)], step)


def marked(values: Sequence[float], step: float) -> Ticks:
    """Ticks at multiples of a step, labelled to the same decimal."""
    largest = max((abs(one) for one in values), default=0.0)
    size = math.floor(math.log10(largest) + 1e-9) if largest else 0
    # Three digits a group, as the prefixes of units have them.
    power = 3 * math.floor(size / 3) if largest and not -3 <= size < 5 else 0
    decimals = max(0, -math.floor(math.log10(step) + 1e-9) + power)
    # Between two ticks of 2.5 there is none of ours: steps are 1, 2 and 5, one digit each.
    labels = tuple(_number(one / 10.0**power, decimals) for one in values)
    return Ticks(tuple(values), labels, power)


def _number(value: float, decimals: int) -> str:
    text = f"{value:.{decimals}f}"
    if text.strip("-0.") == "":
        text = text.lstrip("-")
    return text.replace("-", "−")


def logarithmic(low: float, high: float, most: int) -> Ticks:
    """Powers of ten inside [low, high], both positive; more values where there are few of them."""
    first = math.ceil(math.log10(low) - 1e-9)
    last = math.floor(math.log10(high) + 1e-9)
    if last - first < 1:
        return linear(low, high, most)
    step = math.ceil((last - first + 1) / max(most, 1))
    powers = range(first, last + 1, step)
    return Ticks(tuple(10.0**one for one in powers), tuple(raised(one) for one in powers))
