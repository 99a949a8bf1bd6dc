"""Values, limits and moments as people read them: the same on pages and in reports."""

from __future__ import annotations

import datetime as dt
import math
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal

from django.utils.translation import ngettext

from mppcqa.digits import number, power_of_ten

NONE = "—"
"""Stands where there is nothing."""
WIDE = Context(prec=400)
"""Room for any number that a float can be."""


def measured(
    value: float | None,
    statistical: float | None = None,
    unit: str = "",
    systematic: float | None = None,
    bound: int = 0,
) -> str:
    """``51.613 ± 0.012 V``: rounded by the rule of the Particle Data Group.

    The uncertainty keeps two digits where its three highest ones are 100 to 354, one where they
    are 355 to 949, and is rounded up to 1.0 from 950 on; the value goes to the same place (PDG,
    Review of Particle Physics, introduction, "Rounding"). A systematic uncertainty comes second;
    of two, that of both together rules, and one that would vanish beside the other keeps its first
    digit. Without any, five significant digits are shown. Very large and very small ones share one
    power of ten: ``(1.763 ± 0.021) × 10⁷``.

    >>> measured(51.6132, 0.0123, "V")
    '51.613 ± 0.012 V'
    >>> measured(0.827, 0.367)
    '0.8 ± 0.4'
    >>> measured(0.2514, 0.0021, "", 0.0075)
    '0.251 ± 0.002 ± 0.008'
    >>> measured(6.285, 1.429, "", 0.011)
    '6.3 ± 1.4 ± 0.01'

    A limit (`bound` is 1 for an upper, -1 for a lower one) is rounded to two digits away from what
    it leaves out, so that what is written holds as well.

    >>> measured(0.004123, bound=1)
    '< 0.0042'
    """
    if value is None or not math.isfinite(value):
        return NONE
    if bound:
        return f"{'<' if bound > 0 else '>'} {_outward(value, bound)} {unit}".rstrip()
    return f"{_rounded(value, statistical, systematic)} {unit}".rstrip()


def _outward(value: float, bound: int) -> str:
    """Two digits, up for an upper limit and down for a lower one; what has fewer stays."""
    exact = Decimal(f"{value:.12g}")
    if not exact:
        return "0"
    place = Decimal(1).scaleb(exact.adjusted() - 1)
    rounding = ROUND_CEILING if bound > 0 else ROUND_FLOOR
    return f"{float(exact.quantize(place, rounding, WIDE)):g}"


def _rounded(value: float, statistical: float | None, systematic: float | None) -> str:
    given = [
        0.0 if one is None or not math.isfinite(one) else max(one, 0.0)
        for one in (statistical, systematic)
    ]
    known = [one for one in given if one]
    if not known:
        return number(value)
    exponent = math.floor(math.log10(max(abs(value), *known)))
    place = _place(math.hypot(*known))
    # A place above the units would be filled up with digits that mean nothing.
    plain = -4 <= exponent < 6 and place <= 0
    shift = 0 if plain else exponent
    digits = max(0, shift - place)
    texts = [_error(one, shift, digits) for one in given]
    if statistical is None:
        texts[0] = "?"
    errors = f"± {texts[0]}" if not given[1] else f"± {texts[0]} ± {texts[1]}"
    text = f"{_at(value, shift, digits)} {errors}"
    return text if plain else f"({text}) × {power_of_ten(exponent)}"


def _place(uncertainty: float) -> int:
    """Power of ten of the last digit that an uncertainty is worth."""
    highest, power = f"{uncertainty:.2e}".split("e")
    three = int(highest.replace(".", ""))
    first = int(power) + (three >= 950)
    return first if 355 <= three < 950 else first - 1


def _error(size: float, shift: int, digits: int) -> str:
    """An uncertainty to the value's last digit; to its own first one where it would vanish."""
    text = _at(size, shift, digits)
    if not size or float(text):
        return text
    return _at(size, shift, shift - int(f"{size:.0e}".partition("e")[2]))


def _at(value: float, shift: int, digits: int) -> str:
    """A number of that many tens, as its decimal digits round: 0.95 becomes 1.0."""
    exact = Decimal(repr(float(value))).scaleb(-shift)
    return f"{exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, WIDE):f}"


def limits_left_out(n: int) -> str:
    """What stands beside a mean that some limits are not in."""
    return ngettext("without %(n)d limit", "without %(n)d limits", n) % {"n": n}


def limits_in(n: int) -> str:
    """What stands beside a limit of a mean: why it is no mean."""
    text = ngettext("no mean: %(n)d channel is a limit", "no mean: %(n)d channels are limits", n)
    return text % {"n": n}


def limit(value: float) -> str:
    """One side of a band. A person chose it, so no digit of it is dropped.

    >>> limit(0.1 * 3), limit(1234567.0)
    ('0.3', '1234567')
    """
    return f"{value:.12g}"


def band(low: float | None, high: float | None, unit: str = "") -> str:
    """``51 … 53 V``, ``≥ 51 V``, ``≤ 53 V``; a dash where both sides are open."""
    if low is None and high is None:
        return NONE
    if low is None:
        text = f"≤ {limit(high)}" if high is not None else NONE
    elif high is None:
        text = f"≥ {limit(low)}"
    else:
        text = f"{limit(low)} … {limit(high)}"
    return f"{text} {unit}".rstrip()


def moment(when: dt.datetime | None) -> str:
    """Date and time to the minute, the same in each language so that tables line up."""
    return when.strftime("%Y-%m-%d %H:%M") if when else NONE
