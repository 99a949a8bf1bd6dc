"""Units in the heads of columns, and the factor to the unit that is stored."""

from __future__ import annotations

PREFIXES = {
    "": 1.0,
    "G": 1e9,
    "M": 1e6,
    "k": 1e3,
    "m": 1e-3,
    "u": 1e-6,
    "µ": 1e-6,
    "μ": 1e-6,
    "n": 1e-9,
    "p": 1e-12,
}
BASES = {
    "V": "V",
    "A": "A",
    "Hz": "Hz",
    "s": "s",
    "Ω": "Ω",
    "\u2126": "Ω",
    "ohm": "Ω",
    "Ohm": "Ω",
    "cps": "Hz",
    "1/s": "Hz",
}
SAME = {
    "degC": "°C",
    "C": "°C",
    "℃": "°C",
    "adc": "ADC",
    "ADC counts": "ADC",
    "counts": "ADC",
    "ADC/p.e.": "ADC",
    "ADC/pe": "ADC",
    "Volt": "V",
    "volt": "V",
    "volts": "V",
    "Volts": "V",
    "1": "",
    "-": "",
}


def _split(unit: str) -> tuple[float, str]:
    """Factor and base unit; an unknown unit is its own base."""
    unit = SAME.get(unit.strip(), unit.strip())
    if unit == "%":
        return 0.01, ""
    for text, base in BASES.items():
        if unit.endswith(text) and unit[: -len(text)] in PREFIXES:
            return PREFIXES[unit[: -len(text)]], base
    return 1.0, unit


def factor(given: str, stored: str) -> float | None:
    """By what a value in `given` is multiplied to be in `stored`; None where they don't match.

    >>> factor("mV", "V"), factor("kHz", "Hz"), factor("%", ""), factor("A", "V")
    (0.001, 1000.0, 0.01, None)
    """
    if not given or given == stored:
        return 1.0
    (up, here), (down, there) = _split(given), _split(stored)
    if here != there:
        return None
    return float(f"{up / down:.12g}")
