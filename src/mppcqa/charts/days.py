"""Days on an axis and in a tooltip. They are dates as written (``2026-11-23``), in no zone: the
browser reads them as midnight UTC, so they are drawn and told in UTC, else a person west of
Greenwich reads the day before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

FORMAT = "%Y-%m-%d"
WEEK_MS = 7 * 24 * 3600 * 1000
MONDAYS: Final = {
    "expr": f"sequence(+domain('x')[0], +domain('x')[1] + 1, {WEEK_MS})",
}
"""Every week from the first on; labels that have no room are left out."""


def day_axis(field: str, title: str, *, weeks: bool = False) -> Any:
    """The horizontal axis of days, or of `weeks` that are named by their Mondays."""
    axis = alt.Axis(format=FORMAT, labelAngle=-30, labelOverlap=True, labelSeparation=4)
    if weeks:
        axis.values = MONDAYS
    return alt.X(f"{field}:T", title=title, scale=alt.Scale(type="utc"), axis=axis)


def day_tooltip(field: str) -> Any:
    """The day of a point."""
    return alt.Tooltip(field, type="temporal", timeUnit="utcyearmonthdate", format=FORMAT)
