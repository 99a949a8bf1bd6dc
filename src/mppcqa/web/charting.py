"""From plain numbers to a chart in the page: the charts room draws, the page carries it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from mppcqa import charts


def place_chart(identity: str, title: str, drawn: Any, width: str = "") -> dict[str, Any]:
    """A drawn chart for the template; `identity` is unique on the page."""
    spec = charts.to_spec(drawn)
    return {
        "id": f"chart-{identity}",
        "title": title,
        "spec": spec,
        "height": charts.height_of(spec),
        "width": width,
    }


def histogram(
    identity: str,
    title: str,
    unit: str,
    edges: Sequence[float],
    counts: Sequence[float],
    leads_to: str = "",
) -> dict[str, Any]:
    """Histogram of `counts` (n) between `edges` (n + 1).

    A range that is dragged over leads to an address with ``{low}`` and ``{high}`` in it.
    """
    drawn = charts.histogram(
        [float(edge) for edge in edges],
        [int(count) for count in counts],
        title="",
        x_title=title,
        unit=unit,
        y_title=_("values"),
        width=700,
    )
    placed = place_chart(identity, title, drawn)
    if leads_to:
        placed["spec"] = {**placed["spec"], "usermeta": {"brush": leads_to}}
    return placed


def tray_chart(
    rows: int,
    columns: int,
    values: Mapping[tuple[int, int], float],
    labels: Mapping[tuple[int, int], str],
    links: Mapping[tuple[int, int], str],
    title: str,
    unit: str,
) -> dict[str, Any]:
    """Map of a tray's values by (row, column); a position without one is hatched."""
    finite = {place: value for place, value in values.items() if math.isfinite(value)}
    drawn = charts.tray_map(
        finite, rows=rows, columns=columns, title="", unit=unit, labels=labels, links=links
    )
    return place_chart("tray", title, drawn)
