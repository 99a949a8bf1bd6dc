"""One definition, several renderings: JSON for the browser, SVG, PNG and PDF for paper."""

from __future__ import annotations

import json
from typing import Any

import vl_convert


def to_spec(chart: Any) -> dict[str, Any]:
    """Vega-Lite definition as plain values."""
    spec: dict[str, Any] = chart.to_dict(validate=False)
    return spec


def to_json(chart: Any) -> str:
    """Vega-Lite definition for the browser; safe inside a script element of a page."""
    text = json.dumps(to_spec(chart), allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace("&", "\\u0026")


def to_svg(chart: Any) -> str:
    """The chart as SVG text."""
    return str(vl_convert.vegalite_to_svg(to_spec(chart)))


def to_png(chart: Any, scale: float = 2.0) -> bytes:
    """The chart as PNG, `scale` pixels a point."""
    return bytes(vl_convert.vegalite_to_png(to_spec(chart), scale=scale))


def to_pdf(chart: Any) -> bytes:
    """The chart as a PDF page of its own size."""
    return bytes(vl_convert.vegalite_to_pdf(to_spec(chart)))
