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
