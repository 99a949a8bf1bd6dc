"""How high a chart of a page will be, so that what stands below it has its place at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

TITLE, NUMBERS = 23, 23
"""Pixels that the title of an axis and its numbers take."""
LEGEND, LINE = 37, 16
"""A legend above or below, and each of its lines."""
BETWEEN = 20
"""Between charts that stand one above the other."""


def height_of(spec: Mapping[str, Any]) -> int | None:
    """Pixels of a drawn Vega-Lite definition, to some; None where it doesn't say."""
    layers = list(_encodings(spec))
    encodings = [encoding for encoding, _data in layers]
    rows = max((_kinds(spec, data, one["row"]) for one, data in layers if "row" in one), default=1)
    plain = spec.get("height")
    if isinstance(plain, Mapping):
        steps = (_kinds(spec, data, one["y"]) for one, data in layers if one.get("y"))
        plain = plain.get("step", 20) * max(steps, default=1)
    if not isinstance(plain, int | float):
        return None
    around = 0
    x = next((one["x"] for one in encodings if one.get("x")), None)
    if x and (axis := x.get("axis", {})) is not None:
        around = NUMBERS + (TITLE if axis.get("title", x.get("title")) else 0)
    return round(plain * rows + BETWEEN * (rows - 1) + around + _legend(encodings))


def _encodings(
    spec: Mapping[str, Any], data: Any = None
) -> Iterator[tuple[Mapping[str, Any], Any]]:
    """Encodings of a definition and its layers, each with the data that it is of."""
    data = spec.get("data", data)
    yield spec.get("encoding", {}), data
    for layer in spec.get("layer", ()):
        yield from _encodings(layer, data)


def _kinds(spec: Mapping[str, Any], data: Any, channel: Mapping[str, Any]) -> int:
    """How many values the field of a channel has in its data."""
    data = data or {}
    rows = data.get("values") or spec.get("datasets", {}).get(data.get("name"), ())
    return len({str(row.get(channel.get("field"))) for row in rows}) or 1


def _legend(encodings: list[Mapping[str, Any]]) -> int:
    """What legends above and below take, those of one field being one."""
    found = 0
    for encoding in encodings:
        for channel in encoding.values():
            legend = channel.get("legend") if isinstance(channel, Mapping) else None
            if legend and legend.get("orient") in ("top", "bottom"):
                named = len(channel.get("scale", {}).get("domain") or channel.get("sort") or [0])
                lines = math.ceil(named / (legend.get("columns") or named))
                found = max(found, LEGEND + LINE * lines)
    return found
