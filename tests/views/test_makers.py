"""The maker's values beside ours: in one unit, and only where both mean the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mppcqa.stages import get_stage
from mppcqa.views.makers import comparisons
from mppcqa.views.shown import shown_quantities
from mppcqa.views.stage_values import StageValues, Value


def section(key: str, values: dict[str, list[tuple[float, float, int]]]) -> StageValues:
    stage = get_stage(key)
    rows: dict[str, Any] = {
        quantity: [
            Value(channel, SimpleNamespace(pk=at), value, error)  # type: ignore[arg-type]
            for channel, (value, error, at) in enumerate(some)
        ]
        for quantity, some in values.items()
    }
    declared = shown_quantities(stage, {})
    return StageValues(stage.key, stage.title, stage, None, declared, rows)  # type: ignore[arg-type]


def test_ours_and_the_makers_in_one_unit(db: None) -> None:
    ours = section(
        "tray_survey",
        {"breakdown_offset_v": [(12.0, 1.0, 1)], "breakdown_voltage_sps_v": [(37.8, 0.02, 1)],
         "dark_current_above_na": [(11.0, 0.1, 1)]},
    )  # fmt: skip
    maker = {"Vbr [mV]": 37_700.0, "Id (uA)": 0.010, "Wafer": "A7"}
    found = {one.quantity: one for one in comparisons(maker, [ours])}
    assert found["breakdown voltage"].difference == pytest.approx(0.1)
    assert found["breakdown voltage"].uncertainty == pytest.approx(0.02)
    assert found["dark current"].ours == pytest.approx(11e-9)
    assert found["dark current"].maker == pytest.approx(10e-9)


def test_several_conditions_are_not_compared(db: None) -> None:
    ours = section("tray_survey", {"breakdown_voltage_sps_v": [(37.8, 0.02, 1), (37.9, 0.02, 2)]})
    assert comparisons({"Vbr [V]": 37.7}, [ours]) == []


def test_a_rate_of_the_whole_device_is_compared_with_the_sum(db: None) -> None:
    """An array of 16 cells has 16 times a cell's rate; cells are compared with cells."""
    ours = section("darkbox", {"dark_rate_hz": [(1.1e3, 10.0, 1)] * 16})  # kHz, as shown
    (whole,) = comparisons({"dark rate [MHz]": 17.6}, [ours], 16)
    assert (whole.maker, whole.ours, whole.together) == (17.6e6, pytest.approx(17.6e6), 16)
    assert whole.uncertainty == pytest.approx(4e4)
    cells = {f"dark rate cell {n} [MHz]": 1.05 for n in range(1, 17)}
    (of_cells,) = comparisons({"dark rate [MHz]": 17.6, **cells}, [ours], 16)
    assert (of_cells.maker, of_cells.ours) == (pytest.approx(1.05e6), pytest.approx(1.1e6))
    assert of_cells.together == 0
    some = section("darkbox", {"dark_rate_hz": [(1.1e3, 10.0, 1)] * 15})
    assert comparisons({"dark rate [MHz]": 17.6}, [some], 16) == []


def test_a_limit_is_no_value_to_compare(db: None) -> None:
    ours = section("darkbox", {"dark_rate_hz": [(1.0, 0.1, 1), (9.0, 0.0, 1)]})
    rows = ours.values["dark_rate_hz"]
    rows[1] = rows[1]._replace(bound=1)
    (one,) = comparisons({"DCR ch1 [kHz]": 1.2}, [ours], 2)
    assert one.ours == pytest.approx(1e3)
