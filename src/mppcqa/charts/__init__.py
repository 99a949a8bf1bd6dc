"""Charts: one look, one definition (Vega-Lite, made with Altair), two renderings.

Draw with `against_bias`, `channel_map`, `tray_map`, `histogram`, `pie`, `spectrum`,
`yield_by_week`, `pareto`; render with `to_json` for a page and `to_svg`, `to_png` or `to_pdf` for
paper.
"""

from mppcqa.charts.draw import (
    Band,
    Series,
    against_bias,
    channel_map,
    histogram,
    pie,
    spectrum,
    tray_map,
)
from mppcqa.charts.render import to_json, to_pdf, to_png, to_spec, to_svg
from mppcqa.charts.yields import YieldPoint, pareto, yield_by_week

__all__ = [
    "Band",
    "Series",
    "YieldPoint",
    "against_bias",
    "channel_map",
    "histogram",
    "pareto",
    "pie",
    "spectrum",
    "to_json",
    "to_pdf",
    "to_png",
    "to_spec",
    "to_svg",
    "tray_map",
    "yield_by_week",
]
