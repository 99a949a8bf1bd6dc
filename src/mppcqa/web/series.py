"""A series of the campaign's summaries in words and in the unit that people prefer."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from mppcqa.statistics.models import Series
from mppcqa.web.stages import find_stage, quantities_of


def _declared(series: Series) -> Any:
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
    condition = [
        text.format(value)
        for value, text in (
            (series.overvoltage_v, "ΔV = {:g} V"),
            (series.temperature_c, "{:g} °C"),
            (series.light, _("light") + " {:g}"),
        )
        if value is not None
    ]
    return ", ".join([f"{stage}: {title}", *condition])
