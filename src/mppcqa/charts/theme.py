"""The look of every chart: colours that colour-blind people can tell apart, quiet axes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mppcqa.loading import Later

if TYPE_CHECKING:
    import altair as alt
else:
    alt = Later("mppcqa.charts._quick")

# Okabe & Ito's palette, which stays distinct under every common colour blindness.
BLUE, ORANGE, GREEN, RED, GREY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#8a8f98"
SEQUENCE: Final = "viridis"
OUTCOME_COLOURS = {"pass": GREEN, "warning": ORANGE, "fail": RED, "incomplete": GREY}
FONT = "Inter, Arial, Helvetica, sans-serif"
INK, FAINT = "#3d4451", "#c9ced6"


def themed(chart: Any) -> Any:
    """The chart with the house's look; works on light and dark pages and on white paper."""
    return (
        chart.configure(background="transparent", font=FONT)
        .configure_view(strokeWidth=0)
        .configure_axis(
            labelColor=GREY,
            titleColor=GREY,
            titleFontWeight="normal",
            domainColor=GREY,
            tickColor=GREY,
            gridColor=GREY,
            gridOpacity=0.18,
        )
        .configure_axisQuantitative(labelOverlap="greedy", labelSeparation=6, labelFlush=False)
        .configure_legend(
            labelColor=GREY, titleColor=GREY, titleFontWeight="normal", labelLimit=360
        )
        .configure_title(color=GREY, fontSize=12, anchor="start", fontWeight=600)
        .configure_range(category=[BLUE, ORANGE, GREEN, RED, "#cc79a7", "#56b4e9", GREY])
    )


def frame(rows: list[dict[str, Any]]) -> Any:
    """Rows as inline data of a chart."""
    return alt.InlineData(values=rows)
