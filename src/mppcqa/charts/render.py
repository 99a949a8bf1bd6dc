"""Charts for the browser: Vega-Lite, and pictures of it. Paper has `mppcqa.charts.paper`."""

from __future__ import annotations

import json
from typing import Any

from mppcqa.charts.browser import drawn


def to_spec(chart: Any) -> dict[str, Any]:
    """Vega-Lite definition as plain values."""
    spec: dict[str, Any] = drawn(chart).to_dict(validate=False)
    return spec


def to_json(chart: Any) -> str:
    """Vega-Lite definition for the browser; safe inside a script element of a page."""
    text = json.dumps(to_spec(chart), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def to_png(chart: Any) -> bytes:
    """The chart as a picture of twice its size in pixels."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(to_spec(chart), scale=2))


def to_svg(chart: Any) -> str:
    """The chart as SVG text."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(to_spec(chart)))
