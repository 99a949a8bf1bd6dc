"""Charts from plain numbers: each says what is shown, for page and paper alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mppcqa.charts.plots import NO_BAND, Band, Bars, CellMap, Curves, Scale, Series
from mppcqa.charts.theme import OUTCOME_COLOURS, frame, themed
from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")


def against(
    series: Sequence[Series],
    *,
    title: str,
    x_title: str,
    y_title: str,
    y_unit: str,
    x_unit: str,
    line: tuple[float, float] | None = None,
    bands: Sequence[Band] = (),
) -> Curves:
    """Values with error bars over an axis; many series as thin lines.

    `line` is (intercept, slope) of a fitted straight line, drawn down to where it meets zero.
    """
    scales = Scale(x_title, x_unit), Scale(y_title, y_unit)
    return Curves(tuple(series), *scales, title=title, line=line, bands=tuple(bands))


def channel_map(
    values: Mapping[tuple[int, int], float | None],
    *,
    rows: int,
    columns: int,
    title: str,
    unit: str,
    labels: Mapping[tuple[int, int], str] | None = None,
    links: Mapping[tuple[int, int], str] | None = None,
    cell: int = 52,
) -> CellMap:
    """A map of values by (row, column) from the top left; missing cells are empty.

    `labels` are what the cells say (channel or serial); `links` make a cell lead to a page.
    """
    return CellMap(values, rows, columns, unit, title, labels or {}, links or {}, cell)


def tray_map(
    values: Mapping[tuple[int, int], float | None],
    *,
    rows: int,
    columns: int,
    title: str,
    unit: str,
    labels: Mapping[tuple[int, int], str] | None = None,
    links: Mapping[tuple[int, int], str] | None = None,
) -> CellMap:
    """A map of the devices of a tray; like `channel_map` with small cells and no numbers."""
    return CellMap(values, rows, columns, unit, title, labels or {}, links or {}, cell=22)


def histogram(
    edges: Sequence[float],
    counts: Sequence[float],
    *,
    title: str,
    x_title: str,
    unit: str,
    y_title: str = "devices",
    band: Band | None = None,
    mark: float | None = None,
    width: int = 340,
) -> Bars:
    """A histogram from its edges (n + 1) and counts (n); `mark` draws one value in it."""
    scales = Scale(x_title, unit), Scale(y_title)
    return Bars(edges, counts, *scales, title=title, band=band or NO_BAND, mark=mark, width=width)


def spectrum(
    edges: Sequence[float],
    counts: Sequence[float],
    fit: Sequence[float] | None = None,
    *,
    title: str,
    x_title: str,
    unit: str,
) -> Bars:
    """A charge spectrum as steps on a logarithmic axis, with the fitted model drawn over it."""
    scales = Scale(x_title, unit), Scale("events", log=True)
    return Bars(edges, counts, *scales, title=title, fit=fit)


def pie(parts: Mapping[str, float], *, title: str, colours: Mapping[str, str] | None = None) -> Any:
    """A pie with the number of each part in its legend; empty parts are left out.

    Parts named as outcomes (pass, warning, fail, incomplete) keep their colours.
    """
    known = {**OUTCOME_COLOURS, **(colours or {})}
    names = [name for name, n in parts.items() if n > 0]
    rows: list[dict[str, Any]] = [
        {"part": f"{name}: {parts[name]:g}", "n": parts[name]} for name in names
    ]
    domain = [row["part"] for row in rows]
    if all(name in known for name in names):
        scale: Any = alt.Scale(domain=domain, range=[known[name] for name in names])
    else:
        scale = alt.Scale(domain=domain)
    chart = (
        alt.Chart(frame(rows))
        .mark_arc(innerRadius=45, stroke="white", strokeWidth=1)
        .encode(
            theta="n:Q",
            color=alt.Color("part:N", scale=scale, sort=domain, legend=alt.Legend(title=None)),
            tooltip=["part:N"],
        )
    )
    return themed(chart.properties(title=title, width=180, height=180))
