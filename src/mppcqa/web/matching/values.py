"""What devices are matched by, in words and in the unit that people read."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mppcqa.inventory.matching import Matching
from mppcqa.results.conditions import condition_text
from mppcqa.stages import Condition
from mppcqa.statistics.models import Series
from mppcqa.tables.maker_words import WORDS
from mppcqa.views.device import COMPARED
from mppcqa.web.series import series_label, series_scale, series_unit
from mppcqa.web.stages import find_stage, quantities_of

MOST = 1000
VOLTAGE = "V"
MAKERS = "maker "
"""Before a quantity of makers, where values are chosen."""


@dataclass(frozen=True)
class Choice:
    """A value that devices may be matched by."""

    key: str
    title: str
    value: Series | str
    unit: str
    scale: float = 1.0
    """Multiplies a stored value into the unit."""


def choices() -> dict[str, Choice]:
    """All that may be chosen: voltages first, then the makers' values, then what else there is."""
    rows = Series.objects.filter(n__gt=0).select_related("quantity").order_by("pk")[:MOST]
    ours = [
        Choice(str(one.pk), series_label(one), one, series_unit(one), series_scale(one))
        for one in rows
    ]
    makers = [
        Choice(f"{MAKERS}{name}", _of_maker(name), name, unit)
        for name, (unit, _words) in WORDS.items()
        if unit == VOLTAGE
    ]
    volts = [one for one in ours if one.unit == VOLTAGE]
    rest = [one for one in ours if one.unit != VOLTAGE]
    return {one.key: one for one in (*volts, *makers, *rest)}


def matched_by(row: Matching) -> str:
    """What the devices of a matching are alike in."""
    if not row.stage:
        return _of_maker(row.quantity)
    declared, stage = quantities_of(row.stage).get(row.quantity), find_stage(row.stage)
    title = _(declared.title) if declared else row.quantity
    head = f"{_(stage.title) if stage else row.stage}: {title}"
    return ", ".join(filter(None, [head, condition_text(Condition.of_text(row.at))]))


def _of_maker(name: str) -> str:
    return _("%s, as the maker says") % _(COMPARED[name])
