"""A chart of a page has about its room before it is drawn, so that nothing moves under the eye."""

from __future__ import annotations

import re

import pytest

from mppcqa import charts
from mppcqa.charts import campaign, capability
from tests.charts.test_page_charts import MADE, X, Y

LINES = [f"g{n}, at {n} V" for n in range(12)]
MANY = {
    "twelve capabilities": capability.capabilities(
        [
            {"what": one, "cpk": 1.2, "low": 1.0, "high": 1.4, "kind": "k", "href": "/"}
            for one in LINES
        ],
        tuple(LINES),
        ("k", "l", "m"),
        X,
    ),
    "twelve boxes": campaign.boxes(
        [{"g": one, "q05": 1, "q25": 2, "median": 3, "q75": 4, "q95": 5, "n": 9} for one in LINES],
        tuple(LINES),
        Y,
        X,
    ),
    "twelve histograms": campaign.overlaid(
        [{"g": one, "href": "/", "low": 1, "high": 2, "n": 3} for one in LINES], tuple(LINES), Y, X
    ),
    "eight reasons": charts.pareto(
        [(f"g{n}", "fail", "no", 3) for n in range(8)], x_title="n", outcomes={"fail": "no"}
    ),
}
DRAWN_BY = MADE | MANY
NEAR = 60
"""Pixels: what stands below moves less than the eye loses. A drawing engine's own words decide."""
DRAWN = re.compile(r'<svg[^>]* height="([\d.]+)"')


@pytest.mark.parametrize("name", DRAWN_BY)
def test_the_room_is_what_the_drawing_takes(name: str) -> None:
    drawn = DRAWN.search(charts.to_svg(DRAWN_BY[name]))
    assert drawn is not None
    told = charts.height_of(charts.to_spec(DRAWN_BY[name]))
    assert told is not None
    assert told == pytest.approx(float(drawn.group(1)), abs=NEAR)
