"""A chart of a page has about its room before it is drawn, so that nothing moves under the eye."""

from __future__ import annotations

import re

import pytest

from mppcqa import charts
from tests.charts.test_page_charts import MADE

NEAR = 60
"""Pixels: what stands below moves less than the eye loses. A drawing engine's own words decide."""
DRAWN = re.compile(r'<svg[^>]* height="([\d.]+)"')


@pytest.mark.parametrize("name", MADE)
def test_the_room_is_what_the_drawing_takes(name: str) -> None:
    drawn = DRAWN.search(charts.to_svg(MADE[name]))
    assert drawn is not None
    told = charts.height_of(charts.to_spec(MADE[name]))
    assert told is not None
    assert told == pytest.approx(float(drawn.group(1)), abs=NEAR)
