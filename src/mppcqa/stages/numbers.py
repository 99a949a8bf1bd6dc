"""Values as people write them: as many digits as the uncertainty allows."""

from __future__ import annotations

import math
from collections.abc import Sequence


def with_uncertainty(value: float, uncertainty: float | None) -> str:
    """``51.613 ± 0.012``: uncertainty with two digits, value to the same place.

    Without an uncertainty five significant digits are shown. Very large and very small pairs
    share one power of ten: ``(1.763 ± 0.021) × 10⁷``.

    >>> with_uncertainty(51.6132, 0.0123)
    '51.613 ± 0.012'
    """
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return f"{value:.5g}"
    largest = max(abs(value), uncertainty)
    exponent = math.floor(math.log10(largest))
    if -4 <= exponent < 6:
        decimals = _decimals(uncertainty)
        return f"{value:.{decimals}f} ± {uncertainty:.{decimals}f}"
    scale = 10.0**exponent
    decimals = _decimals(uncertainty / scale)
    return (
        f"({value / scale:.{decimals}f} ± {uncertainty / scale:.{decimals}f})"
        f" × 10{_superscript(exponent)}"
    )


def _decimals(uncertainty: float) -> int:
    place = math.floor(math.log10(uncertainty))
    if round(uncertainty / 10.0 ** (place - 1)) >= 100:  # 0.0996 becomes 0.10
        place += 1
    return max(0, 1 - place)


def _superscript(exponent: int) -> str:
    return str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def mean_with_uncertainty(
    values: Sequence[float], errors: Sequence[float | None], *, correlated: bool
) -> tuple[float, float | None]:
    """Mean of n values with its standard uncertainty; None where a value has none.

    Independent uncertainties shrink with the square root of n; `correlated` ones, which move
    together, do not shrink at all.

    >>> mean_with_uncertainty([1.0, 3.0], [0.1, 0.1], correlated=True)
    (2.0, 0.1)
    """
    n = len(values)
    mean = math.fsum(values) / n
    known = [error for error in errors if error is not None]
    if len(known) < n:
        return mean, None
    if correlated:
        return mean, math.fsum(known) / n
    return mean, math.sqrt(math.fsum(error * error for error in known)) / n
