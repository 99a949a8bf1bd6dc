"""What makers (Hamamatsu, Broadcom, FBK, onsemi, Ketek, NDL) call values in their lists."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from mppcqa.tables.headings import plain_head, read_head
from mppcqa.tables.units import conversion

WORDS: dict[str, tuple[str, re.Pattern[str]]] = {
    "breakdown voltage": (
        "V",
        re.compile(
            r"v ?(?:br|bd|b|break ?down|breakdown)|(?:typ )?break ?down(?: voltage| v)?|"
            r"voltage break ?down|u ?(?:br|bd)|tensi[oó]n de ruptura"
        ),
    ),
    "operating voltage": (
        "V",
        re.compile(
            r"v ?op(?:er)?|(?:recommended |rec )?op(?:erating|eration)?(?: bias)? ?(?:voltage|v)|"
            r"v ?bias(?: rec)?|recommended bias(?: voltage)?|"
            r"u ?op|voltage for gain|tensi[oó]n de operaci[oó]n"
        ),
    ),
    "dark current": (
        "A",
        re.compile(r"i ?(?:d|dark|leak|r)|dark current|leakage(?: current)?|corriente oscura"),
    ),
    "dark rate": (
        "Hz",
        re.compile(r"dcr|dark (?:count(?: rate)?|counts|rate)|tasa oscura"),
    ),
}
"""Quantity -> unit, and words for it in small letters without marks."""
OF_CHANNEL = re.compile(
    r"^(.*?)[ _.\-]*(?:ch(?:annel)?|canal|cell|px|pixel)[ _.\-#]*(\d{1,4})\b(.*)$", re.I
)


@dataclass(frozen=True)
class MakersValue:
    """A value of the maker in SI units; `channel` as the maker counts, None for the device."""

    quantity: str
    value: float
    unit: str
    channel: int | None = None


def makers_value(heading: str, value: object) -> MakersValue | None:
    """What a column of a delivery list says; None where its heading is not one of these.

    >>> makers_value("Vop [V]", 55.3), makers_value("Id ch3 (nA)", 20)
    (MakersValue(quantity='operating voltage', value=55.3, unit='V', channel=None), \
MakersValue(quantity='dark current', value=2e-08, unit='A', channel=3))
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    column = read_head(heading)
    found = OF_CHANNEL.match(column.name)
    name = f"{found[1]} {found[3]}" if found else column.name
    channel = int(found[2]) if found else None
    plain = plain_head(name)
    for quantity, (unit, words) in WORDS.items():
        if not words.fullmatch(plain):
            continue
        change = conversion(column.unit, unit) if column.unit else None
        if change is None and (column.unit or unit != "V"):
            return None  # another unit; of a current without one nothing is known
        factor = 1.0 if change is None else change.factor
        return MakersValue(quantity, float(f"{value * factor:.12g}"), unit, channel)
    return None


def mean_of(values: Mapping[str, object], quantity: str) -> float:
    """The maker's value of a device, in SI units; the mean where there is one a channel.

    NaN where the maker says none.
    """
    found = [makers_value(heading, value) for heading, value in values.items()]
    numbers = [one.value for one in found if one is not None and one.quantity == quantity]
    return sum(numbers) / len(numbers) if numbers else math.nan
