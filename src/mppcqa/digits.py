"""Numbers as people write them: significant digits, and powers of ten where a number is far off."""

from __future__ import annotations

import math

POWERS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float, digits: int = 5) -> str:
    """A number of at most that many significant digits.

    >>> number(3.0), number(51.61312), number(-7.01234e-05), number(1e13)
    ('3', '51.613', '-7.0123 × 10⁻⁵', '1 × 10¹³')
    """
    if not math.isfinite(value):
        return f"{value:g}"
    mantissa, _e, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa} × {power_of_ten(int(exponent))}" if exponent else mantissa


def power_of_ten(exponent: int) -> str:
    """``10⁻⁵``."""
    return f"10{str(exponent).translate(POWERS)}"
