"""What people call a quantity in their tables, beside its title and symbol."""

from __future__ import annotations

from collections.abc import Iterable

from mppcqa.stages.protocol import Quantity

OF_THE_FIELD = {
    "breakdown voltage": ("vbr", "vbd", "v bd", "v br", "vb", "vbreakdown", "breakdown", "ubd"),
    "dark current": ("id", "idark", "leakage current", "dark i", "leakage"),
    "dark count rate": ("dcr", "dark rate", "dark counts", "dark count rate"),
    "gain": ("gain", "g", "ganancia"),
    "crosstalk probability": ("crosstalk", "xtalk", "x talk", "ct", "pct", "optical crosstalk"),
    "quenching resistance": ("rq", "r q", "quenching resistor", "quench resistance", "rquench"),
    "photon detection efficiency": ("pde",),
}
"""Names by the beginning of a title: every stage that measures it shares them."""


def also_called(name: str, quantities: Iterable[Quantity]) -> Quantity | None:
    """The one quantity that people also call so; None where several may be meant, or none.

    A quantity's own names (`Quantity.also_called`) go before those of the field.
    """
    wanted, there = _bare(name), list(quantities)
    if own := [one for one in there if wanted in map(_bare, one.also_called)]:
        return own[0] if len(own) == 1 else None
    for title, others in OF_THE_FIELD.items():
        if wanted in map(_bare, others):
            found = [one for one in there if one.title.lower().startswith(title)]
            exact = [one for one in found if one.title.lower() in (title, f"{title} of a channel")]
            if len(exact or found) == 1:
                return (exact or found)[0]
    return None


def _bare(name: str) -> str:
    return name.lower().replace(" ", "")
