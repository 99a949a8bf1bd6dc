"""Units as people write them, and how a number in one becomes a number in another."""

from __future__ import annotations

import re
from dataclasses import dataclass

PREFIXES = {
    "": 1.0,
    "G": 1e9,
    "M": 1e6,
    "k": 1e3,
    "K": 1e3,
    "m": 1e-3,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
    "f": 1e-15,
}
BASES = {
    "V": "V",
    "A": "A",
    "Hz": "Hz",
    "s": "s",
    "C": "C",
    "Gy": "Gy",
    "eV": "eV",
    "Ω": "Ω",
    "\u2126": "Ω",
    "ohm": "Ω",
    "Ohm": "Ω",
    "ohms": "Ω",
    "Ohms": "Ω",
    "OHM": "Ω",
    "cps": "Hz",
    "1/s": "Hz",
    "Volt": "V",
    "volt": "V",
    "volts": "V",
    "Volts": "V",
    "VOLT": "V",
    "Amp": "A",
    "amp": "A",
    "amps": "A",
    "Amps": "A",
    "AMP": "A",
    "Ampere(s)": "A",
    "ampere": "A",
    "Ampere": "A",
    "sec": "s",
    "seconds": "s",
    "second": "s",
    "Seconds": "s",
}
SAME = {
    "degC": "°C",
    "deg C": "°C",
    "DegC": "°C",
    "deg. C": "°C",
    "℃": "°C",
    "ºC": "°C",
    "oC": "°C",
    "celsius": "°C",
    "Celsius": "°C",
    "kelvin": "K",
    "Kelvin": "K",
    "°K": "K",
    "degK": "K",
    "°F": "°F",
    "degF": "°F",
    "adc": "ADC",
    "ADC counts": "ADC",
    "ADC channel": "ADC",
    "ADC ch": "ADC",
    "a.u.": "ADC",
    "LSB": "ADC",
    "lsb": "ADC",
    "counts": "ADC",
    "ADC/p.e.": "ADC",
    "ADC/pe": "ADC",
    "1": "",
    "-": "",
    "#": "",
    "none": "",
}
AMBIGUOUS = {"MA": "mA", "MV": "mV", "MS": "ms", "NA": "nA", "na": "nA", "n/a": "nA"}
"""Units in letters of one size that may be two, or none (not available), and which is likely."""
PREFIX_WORDS = {"mega": "M", "kilo": "k", "milli": "m", "micro": "u", "nano": "n", "pico": "p",
                "femto": "f"}  # fmt: skip
BASE_WORDS = {
    "volt": "V", "amp": "A", "ampere": "A", "ampère": "A", "amperio": "A",
    "voltio": "V",
    "second": "s", "sec": "s", "hertz": "Hz", "ohm": "Ω", "coulomb": "C", "gray": "Gy",
}  # fmt: skip
WRITTEN = re.compile(
    rf"(?P<prefix>{'|'.join(PREFIX_WORDS)})?[ -]?(?P<base>{'|'.join(BASE_WORDS)})s?", re.I
)
"""Units as words: ``microamps``, ``Nano-Amperes``, ``volts``."""
LETTERS = {
    written: unit
    for unit, several in {
        "A": "a", "mA": "ma", "uA": "ua UA", "pA": "pa PA", "fA": "fa FA",
        "V": "v", "mV": "mv", "uV": "uv UV", "nV": "nv NV", "kV": "kv KV",
        "Hz": "hz HZ", "kHz": "khz KHZ kHZ Khz", "MHz": "MHZ Mhz", "ns": "NS", "us": "US",
        "pC": "pc PC",
    }.items()
    for written in several.split()
}  # fmt: skip
"""Units in letters of one size, where they can't be another: ``UA``, ``khz``; not ``MA``."""
SUPERSCRIPTS = str.maketrans(
    dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789", strict=True)) | {"⁻": "^-", "−": "-"}
)
SCALES = {"°C": 0.0, "K": -273.15}
"""Zero of a scale of temperature in °C."""
LENGTHS = {"m": 1.0, "cm": 1e-2, "mm": 1e-3, "um": 1e-6, "µm": 1e-6, "μm": 1e-6, "nm": 1e-9}
WORDS = {
    "min": ("s", 60.0),
    "h": ("s", 3600.0),
    "ps": ("s", 1e-12),
    "rad": ("Gy", 0.01),
    "krad": ("Gy", 10.0),
    "Mrad": ("Gy", 1e4),
    **{unit: ("m", metres) for unit, metres in LENGTHS.items()},
}


RUSSIAN_PREFIXES = {"": "", "к": "k", "м": "m", "мк": "u", "н": "n", "п": "p", "М": "M"}
RUSSIAN_BASES = {"В": "V", "А": "A", "с": "s", "Гц": "Hz", "Ом": "Ω", "Кл": "C"}
RUSSIAN = re.compile(
    rf"(?P<prefix>{'|'.join(RUSSIAN_PREFIXES)})(?P<base>{'|'.join(RUSSIAN_BASES)})"
)
"""Units in Cyrillic letters, some of which look like Latin ones."""
SCALED = re.compile(
    r"(?:[x×*·]?10(?:\^|\*\*)|[x×*·]?1[eE])(?P<power>[+-]?\d{1,2})[*·x×]?(?P<unit>[^\d*·x×]\S{0,9})"
)
"""Powers of ten before a unit: ``x1e-9 A``, ``10^-9 A``."""
SCALED_BEHIND = re.compile(
    r"(?P<unit>[^\d*·x×]{1,10}?)[x×*·](?:10(?:\^|\*\*)?|1[eE])(?P<power>-\d{1,2})"
)
"""The same behind it: ``A x 1E-9``. A power above zero there may be what it was multiplied by."""


@dataclass(frozen=True)
class Unit:
    """A number times `factor`, plus `offset`, is one in `base`."""

    base: str
    factor: float = 1.0
    offset: float = 0.0


def read_unit(text: str) -> Unit | None:
    """What a unit is, or None for a text that is no unit known here.

    >>> read_unit("µA"), read_unit("K").offset
    (Unit(base='A', factor=1e-06, offset=0.0), -273.15)
    """
    plain = SAME.get(text.strip(), text.strip())
    if plain in AMBIGUOUS:
        return None
    if (words := WRITTEN.fullmatch(plain)) is not None:
        prefix = PREFIX_WORDS[words["prefix"].lower()] if words["prefix"] else ""
        return Unit(BASE_WORDS[words["base"].lower()], PREFIXES[prefix])
    plain = re.sub(r"\s+", "", SAME.get(plain, plain)).translate(SUPERSCRIPTS)
    plain = LETTERS.get(plain, plain)
    if (russian := RUSSIAN.fullmatch(plain)) is not None:
        plain = RUSSIAN_PREFIXES[russian["prefix"]] + RUSSIAN_BASES[russian["base"]]
    if plain in ("", "ADC"):
        return Unit(plain)
    if plain in SCALES:
        return Unit("°C", 1.0, SCALES[plain])
    if plain == "mK":
        return Unit("°C", 1e-3, -273.15)
    if plain == "°F":
        return Unit("°C", 5 / 9, -160 / 9)
    if plain == "%":
        return Unit("", 0.01)
    if plain in WORDS:
        base, factor = WORDS[plain]
        return Unit(base, factor)
    # The longest first: 1/s is no prefix 1/ before seconds, volts are none before s.
    if scaled := SCALED.fullmatch(plain):
        plain = scaled["unit"]
        return _times(read_unit(plain), float(f"1e{scaled['power']}"))
    if scaled := SCALED_BEHIND.fullmatch(plain):
        return _times(read_unit(scaled["unit"]), float(f"1e{scaled['power']}"))
    for name in sorted(BASES, key=len, reverse=True):
        if plain.endswith(name) and plain[: -len(name)] in PREFIXES:
            return Unit(BASES[name], PREFIXES[plain[: -len(name)]])
    return None


def _times(unit: Unit | None, factor: float) -> Unit | None:
    if unit is None or unit.offset or not unit.base:
        return None
    return Unit(unit.base, float(f"{unit.factor * factor:.12g}"))


def is_unit(text: str) -> bool:
    """Whether a text is a unit, and not nothing."""
    found = read_unit(text)
    return bool(text.strip()) and found is not None


@dataclass(frozen=True)
class Conversion:
    """What is done to numbers in one unit to have them in another."""

    factor: float = 1.0
    offset: float = 0.0

    @property
    def changes(self) -> bool:
        return self.factor != 1.0 or self.offset != 0.0


def conversion(given: str, stored: str, *, difference: bool = False) -> Conversion | None:
    """How numbers in `given` become numbers in `stored`; None where the units don't match.

    `difference` is for uncertainties and spreads, which no zero of a scale moves.
    A letter C is degrees where degrees are due, and coulombs elsewhere; a K is kelvin.

    >>> conversion("mV", "V").factor, conversion("%", "").factor, conversion("A", "V")
    (0.001, 0.01, None)
    >>> conversion("K", "°C").offset
    -273.15
    """
    if not given or given == stored:
        return Conversion()
    if "/" in given and "/" in stored and read_unit(given) is None:
        return _quotient(given, stored)
    if stored in ("°C", "C") and given.strip() == "C":
        return Conversion()
    if is_fahrenheit(given, stored):
        given = "°F"
    here, there = read_unit(given), read_unit(stored)
    if here is None or there is None:
        return Conversion() if _same_words(given, stored) else None
    if here.base != there.base:
        return None
    factor = float(f"{here.factor / there.factor:.12g}")
    if difference or here.base != "°C":
        return Conversion(factor)
    return Conversion(factor, round((here.offset - there.offset) / there.factor, 9))


def by_prefix(stored: str, shown: str) -> float | None:
    """By what a number in `stored` is multiplied to be one in `shown`; None where that is unknown.

    Units that nobody knows here are compared where one is the other with a prefix.

    >>> by_prefix("Hz", "kHz"), by_prefix("", "%"), by_prefix("px", "kpx"), by_prefix("px", "V")
    (0.001, 100.0, 0.001, None)
    """
    here, there = read_unit(stored), read_unit(shown)
    if here is not None and there is not None:
        same = here.base == there.base
        return float(f"{here.factor / there.factor:.12g}") if same else None
    for prefix, factor in PREFIXES.items():
        if shown == prefix + stored:
            return float(f"{1 / factor:.12g}")
        if stored == prefix + shown:
            return factor
    known = conversion(stored, shown, difference=True) if "/" in stored else None
    return known.factor if known is not None and stored and shown else None


def is_fahrenheit(given: str, stored: str) -> bool:
    """Whether a letter F is degrees, as it is where degrees are due; elsewhere it is a farad."""
    return stored == "°C" and given.strip().lower() in ("f", "fahrenheit")


def _quotient(given: str, stored: str) -> Conversion | None:
    """One unit over another, as in mV/K for V/°C."""
    (up, _g, under), (stored_up, _s, stored_under) = given.partition("/"), stored.partition("/")
    above = conversion(up, stored_up, difference=True)
    below = conversion(under, stored_under, difference=True)
    if above is None or below is None:
        return Conversion() if _same_words(given, stored) else None
    return Conversion(float(f"{above.factor / below.factor:.12g}"))


def _same_words(given: str, stored: str) -> bool:
    plain = [re.sub(r"[\s.]", "", SAME.get(one, one)).lower() for one in (given, stored)]
    plain = [one.replace("p.e.", "pe").replace("μ", "µ") for one in plain]
    if plain[0] == plain[1]:
        return True
    # A gain in ADC a photoelectron is often called one in ADC.
    return stored.startswith("ADC") and SAME.get(given, given) == "ADC"
