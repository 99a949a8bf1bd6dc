"""Charts: one description of what is shown (`plots`), two renderings, for pages and for paper.

Draw with `against`, `channel_map`, `tray_map`, `histogram`, `pie`, `spectrum`,
`yield_by_week`, `pareto`; render with `to_spec` for a page (Vega-Lite, made with Altair), with
`to_svg` for a picture of the page's chart. `mppcqa.charts.paper` draws what
`against`, the maps, `histogram` and `spectrum` describe in print.
"""

from mppcqa.charts.draw import (
    against,
    channel_map,
    histogram,
    pie,
    spectrum,
    tray_map,
)
from mppcqa.charts.plots import Band, Bars, CellMap, Curves, Plot, Scale, Series
from mppcqa.charts.render import in_script, to_png, to_spec, to_svg
from mppcqa.charts.room import height_of
from mppcqa.charts.yields import YieldPoint, pareto, yield_by_week

__all__ = [
    "Band",
    "Bars",
    "CellMap",
    "Curves",
    "Plot",
    "Scale",
    "Series",
    "YieldPoint",
    "against",
    "channel_map",
    "height_of",
    "histogram",
    "in_script",
    "pareto",
    "pie",
    "spectrum",
    "to_png",
    "to_spec",
    "to_svg",
    "tray_map",
    "yield_by_week",
]
