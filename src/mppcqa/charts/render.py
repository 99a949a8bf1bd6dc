"""Charts for the browser: Vega-Lite, and pictures of it. Paper has `mppcqa.charts.paper`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mppcqa.charts.browser import drawn


def to_spec(chart: Any) -> dict[str, Any]:
    """Vega-Lite definition as plain values."""
    spec: dict[str, Any] = drawn(chart).to_dict(validate=False)
    return spec


def in_script(spec: Mapping[str, Any]) -> str:
    """A definition as JSON that is safe inside a script element of a page.

    Each point has an address with its "&", and `str.translate`, by which Django's `json_script`
    does this, takes ten times as long for those.
    """
    text = json.dumps(spec, default=str, separators=(",", ":"))
    return text.replace("<", "\\u003C").replace(">", "\\u003E").replace("&", "\\u0026")


def to_png(chart: Any) -> bytes:
    """The chart as a picture of twice its size in pixels."""
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(to_spec(chart), scale=2))


def to_svg(chart: Any) -> str:
    """The chart as SVG text."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(to_spec(chart)))
