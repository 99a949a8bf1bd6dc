"""Quantities as people read them: title in their language, unit that they prefer."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mppcqa.results.models import QuantityRow
from mppcqa.stages import Stage


@dataclass(frozen=True)
class ShownQuantity:
    """A quantity as people read it: title in their language, unit that they prefer."""

    key: str
    title: str
    symbol: str
    unit: str
    scale: float = 1.0
    """Multiplies a stored value into `unit`."""
    conditional: bool = False
    scope: str = "channel"
    crossing: str = ""
    drawn_on: str = ""

    @property
    def head(self) -> str:
        """Title with the unit, as the head of a column."""
        return f"{self.title} [{self.unit}]" if self.unit else self.title


def shown_quantities(
    stage: Stage | None, present: dict[str, QuantityRow]
) -> dict[str, ShownQuantity]:
    """What the stage declares, then what it no longer declares but was measured."""
    shown = {
        quantity.key: ShownQuantity(
            quantity.key,
            _(quantity.title),
            quantity.symbol,
            quantity.display_unit or quantity.unit,
            quantity.display_scale if quantity.display_unit else 1.0,
            quantity.conditional,
            quantity.scope,
            quantity.crossing,
            quantity.drawn_on,
        )
        for quantity in (stage.quantities if stage else ())
    }
    for key, row in present.items():
        shown.setdefault(key, ShownQuantity(key, row.title, row.symbol, row.unit))
    return shown
