"""A series of the campaign's summaries in words and in the unit that people prefer."""

from __future__ import annotations

from django.utils.translation import gettext as _

from mppcqa.results.conditions import condition_text
from mppcqa.stages import Quantity
from mppcqa.statistics.models import Series
from mppcqa.web.stages import find_stage, quantities_of


def _declared(series: Series) -> Quantity | None:
    return quantities_of(series.quantity.stage).get(series.quantity.key)


def series_scale(series: Series) -> float:
    """Multiplies a stored value into the unit of `series_unit`."""
    quantity = _declared(series)
    return quantity.display_scale if quantity and quantity.display_unit else 1.0


def series_unit(series: Series) -> str:
    quantity = _declared(series)
    if quantity is None:
        return series.quantity.unit
    return quantity.display_unit or quantity.unit


def series_label(series: Series) -> str:
    """``PDE stage: gain, ΔV = 3 V``."""
    quantity = _declared(series)
    title = _(quantity.title) if quantity else series.quantity.title
    found = find_stage(series.quantity.stage)
    stage = _(found.title) if found else series.quantity.stage
    return ", ".join(filter(None, [f"{stage}: {title}", condition_text(series.at)]))
