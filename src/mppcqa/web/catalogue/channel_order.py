"""What is wrong with the order of a type's channels, and how one is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

NAMED = 10
"""So many numbers are named of those that are wrong."""
SHOWN = 4


def order_fault(order: Any, n: int) -> str:
    """Empty where `order` names each of `n` channels once, or is an empty list (or None)."""
    if order is None or order == []:
        return ""
    if not isinstance(order, list) or not all(type(one) is int for one in order):
        return _how(n)
    if sorted(order) == list(range(n)):
        return ""
    said = [_how(n), _("Numbers that stand here: %d.") % len(order)]
    if missing := _some(set(range(n)) - set(order)):
        said.append(_("Missing: %s.") % missing)
    counted = Counter(order)
    if wrong := _some(one for one in counted if counted[one] > 1 or not 0 <= one < n):
        said.append(_("Twice, or no channel of this type: %s.") % wrong)
    return " ".join(said)


def _how(n: int) -> str:
    numbers = [str(one) for one in reversed(range(min(n, SHOWN)))]
    return _(
        "Write %(n)d whole numbers as in %(example)s: the channel at each position, row by row, "
        "each from 0 to %(last)d once. Leave it empty where they count from 0."
    ) % {"n": n, "last": n - 1, "example": f"[{', '.join(numbers + ['…'] * (n > SHOWN))}]"}


def _some(numbers: Iterable[int]) -> str:
    there = sorted(numbers)
    return ", ".join([str(one) for one in there[:NAMED]] + ["…"] * (len(there) > NAMED))
