"""Charts look as they did: who changes how one looks says so, by recording it.

``MPPCQA_RECORD=1 pytest tests/charts/test_looks_kept.py`` writes `looks.json` anew; what
changed in it is read before it is committed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mppcqa import charts
from mppcqa.charts.paper import figure
from tests.charts.lines import drawing
from tests.charts.test_page_charts import MADE
from tests.charts.test_paper import on_page
from tests.charts.test_places import KINDS
from tests.kept import Kept

KEPT = Kept(Path(__file__).with_name("looks.json"))
LARGE = ("states", "map", "crowd")
"""Hundreds of cells or lines alike: their places are measured elsewhere, here what they say."""
NEAR = 0.02
"""Points; what the last digits of two computers may differ by."""


def no_json(constant: str) -> None:
    """A browser's `JSON.parse` takes none of NaN and the infinities."""
    raise AssertionError(f"{constant} in the definition of a chart")


def on_screen(name: str) -> Any:
    """The definition of a chart of a page, without the theme that all have."""
    spec = json.loads(charts.in_script(charts.to_spec(MADE[name])), parse_constant=no_json)
    return {key: part for key, part in spec.items() if key not in ("config", "$schema")}


def in_print(name: str) -> Any:
    """What stands on paper, and where: texts, then lines and areas."""
    found = drawing(on_page(figure(KINDS[name])))
    texts = [
        [one.text.strip(), round(one.start, 2), round(one.baseline, 2), round(one.size, 2)]
        for one in found.texts
    ]
    paths = [
        [
            list(one.line or ()),
            list(one.fill or ()),
            round(one.width, 2),
            one.dashed,
            [round(at, 2) for point in one.points for at in point],
        ]
        for one in found.paths
    ]
    return {"texts": texts, "paths": [] if name in LARGE else paths, "number": len(paths)}


def same(there: Any, now: Any) -> bool:
    """Whether two are alike, numbers to what a computer may differ by."""
    if isinstance(there, bool) or isinstance(now, bool) or there is None or now is None:
        return there is now
    if isinstance(there, int | float) and isinstance(now, int | float):
        return abs(there - now) <= NEAR
    if isinstance(there, list) and isinstance(now, list):
        return len(there) == len(now) and all(map(same, there, now))
    if isinstance(there, dict) and isinstance(now, dict):
        return there.keys() == now.keys() and all(same(there[key], now[key]) for key in there)
    return bool(there == now)


def looked(place: str, now: Any) -> None:
    before = KEPT.hold(place, now)
    assert same(before, now), f"{place} looks otherwise; if that is meant, record it"


@pytest.mark.parametrize("name", MADE)
def test_a_chart_of_a_page_looks_as_it_did(name: str) -> None:
    looked(f"page {name}", on_screen(name))


@pytest.mark.parametrize("name", KINDS)
def test_a_chart_in_print_looks_as_it_did(name: str) -> None:
    looked(f"paper {name}", in_print(name))


def test_what_is_kept_is_of_charts_that_there_are() -> None:
    there = {f"page {name}" for name in MADE} | {f"paper {name}" for name in KINDS}
    assert set(KEPT.there) == there


def test_a_change_of_a_look_is_noticed() -> None:
    known = KEPT.there["paper boxes"]
    assert same(known, json.loads(json.dumps(known)))
    for change in (
        {**known, "number": known["number"] + 1},
        {**known, "texts": known["texts"][1:]},
        {**known, "texts": [[*known["texts"][0][:3], 1.0], *known["texts"][1:]]},
    ):
        assert not same(known, change)
    assert not same(True, 1)
    assert not same(None, 0)
