"""The values that an analysis has of one channel at one point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mppcqa.results.conditions import holds_at
from mppcqa.results.models import Measurement
from mppcqa.views.explore import RunView


def cell_values(
    view: RunView, slot: int, channel: int, point: Any, fitted_with: Sequence[Any] = ()
) -> list[Any]:
    """Values of the analysis that hold at a point.

    `fitted_with` are those of the same setting with and without light: where that is one, both are
    one fit, and what it says stands at either of them.
    """
    if view.analysis is None:
        return []
    rows = Measurement.objects.filter(
        device=view.devices[slot], analysis=view.analysis, channel=channel
    ).select_related("quantity", "condition")
    found = []
    both = [point, *fitted_with] if len(fitted_with) == 1 else [point]
    here = {row.quantity.key for row in rows if holds_at(row.condition.at, point.at)}
    for row in rows:
        shown = view.quantities.get(row.quantity.key)
        places = both[:1] if row.quantity.key in here else both
        if shown is not None and any(holds_at(row.condition.at, one.at) for one in places):
            error = None if row.statistical is None else row.statistical * shown.scale
            method = view.analysis.methods.get(row.quantity.key, "")
            systematic = row.systematic * shown.scale
            value, bound = row.value * shown.scale, row.bound or 0
            found.append((shown, value, error, systematic, bound, method))
    order = list(view.quantities)
    return sorted(found, key=lambda one: order.index(one[0].key))
