"""Mappings that come with the program, one a format that laboratories are known to write."""

from __future__ import annotations

from mppcqa.runfile.foreign.mapping import Column, Given, Mapping

_TEMPERATURE = Given(file_name=r"(?<![0-9A-Za-z.])([nmp-]?\d+(?:\.\d+)?) ?(?:deg)?C(?![A-Za-z])")
_BIAS = Given(file_name=r"(?<![0-9A-Za-z.])(\d+(?:\.\d+)?) ?V(?![A-Za-z])")
_LIT = Given(file_name=r"(?i)\d ?mA(?![a-z])|light", found=1.0, value=0.0)

SHIPPED: tuple[Mapping, ...] = (
    Mapping(
        "LeCroy ASCII waveform",
        "lecroy",
        "waveform",
        conditions={"bias_v": _BIAS, "temperature_c": _TEMPERATURE, "light": Given(value=0.0)},
        description="Text as LeCroy oscilloscopes save it (LECROY..., Time,Ampl), one or many "
        "segments; bias and temperature from the file's name (58V, 20C) where it has them.",
    ),
    Mapping(
        "Tektronix CSV waveform",
        "tektronix",
        "waveform",
        conditions={"bias_v": _BIAS, "temperature_c": _TEMPERATURE, "light": Given(value=0.0)},
        description="CSV as Tektronix oscilloscopes save it (Record Length, Sample Interval).",
    ),
    Mapping(
        "CAEN HERA charge spectrum",
        "hera",
        "spectrum",
        conditions={
            "bias_v": Given(header="Bias Voltage [V]"),
            "temperature_c": Given(header="Channel Temperature [°C]"),
            "light": Given(value=1.0),
        },
        description="Charge histogram of CAEN's HERA software (SP5600 kit); bias and temperature "
        "of the recorded channel from its header.",
    ),
    Mapping(
        "IV curve: bias [V], current [A]",
        "table",
        "iv",
        (Column("1", "bias_v", "V"), Column("2", "current_a", "A")),
        {"temperature_c": _TEMPERATURE, "light": _LIT},
        description="Two columns without or with headings; the temperature from the file's name "
        "(n20C is minus 20).",
    ),
    Mapping(
        "IV curve: resistance, bias [V], current [A], spread [A]",
        "table",
        "iv",
        (
            Column("2", "bias_v", "V"),
            Column("3", "current_a", "A"),
            Column("4", "spread_a", "A"),
        ),
        {"temperature_c": _TEMPERATURE, "light": _LIT},
        description="Four columns, with decimal commas or points; the first, resistance of the "
        "temperature sensor, is left alone.",
    ),
    Mapping(
        "IV curve: bias [V], current [nA]",
        "table",
        "iv",
        (Column("1", "bias_v", "V"), Column("2", "current_a", "nA")),
        {"temperature_c": _TEMPERATURE, "light": _LIT},
        description="Two columns, currents in nanoamperes.",
    ),
)
