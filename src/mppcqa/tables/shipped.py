"""Mappings that come with the program, one a format that laboratories are known to write."""

from __future__ import annotations

from functools import cache

from mppcqa.tables.formats import formats
from mppcqa.tables.mapping import Column, Mapping

GENERAL = {
    "iv": "IV curve by its headings",
    "spectrum": "Charge histogram by its headings",
    "charge": "List of charges by its headings",
    "staircase": "Rate against threshold by its headings",
    "waveform": "Waveform by its headings",
}
"""Names of the mappings that are made for a file from its headings."""
TABLES: tuple[Mapping, ...] = (
    Mapping(
        "IV curve: bias [V], current [A]",
        "table",
        "iv",
        (Column("1", "bias_v", "V"), Column("2", "current_a", "A")),
        description="Two columns without or with headings; temperature and light from the file's "
        "name (n20C is minus 20, 7mA or light is lit).",
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
        description="Four columns, with decimal commas or points; the first, resistance of the "
        "temperature sensor, is left alone.",
    ),
    Mapping(
        "IV curve: bias [V], current [nA]",
        "table",
        "iv",
        (Column("1", "bias_v", "V"), Column("2", "current_a", "nA")),
        description="Two columns, currents in nanoamperes.",
    ),
)


@cache
def shipped() -> tuple[Mapping, ...]:
    """All of them: of the formats that say themselves what they are, then of tables."""
    known = (one for key, one in formats().items() if key not in ("root", "hdf5"))
    return (*(one.mapping() for one in known), *TABLES)
