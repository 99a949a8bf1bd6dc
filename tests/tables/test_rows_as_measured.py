"""Rows of a table as what was measured: which count, whose they are, and at which condition."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mppcqa.tables import TableError
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.measured import Measured
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign
from mppcqa.tables.rows import counts_from_one

V = np.arange(50.0, 57.0, 0.5)
I = 1e-9 * (1 + np.arange(14.0)) ** 2  # noqa: E741


def table(folder: Path, lines: list[str], end: str = "\n", name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + end)
    return path


def read(path: Path, kind: str, *columns: str, **more: Any) -> list[Measured]:
    """By a mapping whose columns are `SOURCE>ROLE`."""
    pairs = (one.split(">") for one in columns)
    document = {
        "name": "m", "kind": kind, "columns": [{"source": s, "role": r} for s, r in pairs],
        "conditions": {"bias_v": {"value": 54.0}, "temperature_c": {"value": 20.0}}
        if kind != "iv" else {}, **more,
    }  # fmt: skip
    return read_foreign(path, mapping_from_json(document))


def rows(form: str = "{v},{i:.3e}") -> list[str]:
    return [form.format(v=v, i=i, n=n) for n, (v, i) in enumerate(zip(V, I, strict=True))]


IV = ("V (V)>bias_v", "I (A)>current_a")


@pytest.mark.parametrize(
    ("end", "points"),
    [
        (["Mean,53.25"], 14),
        (["Max,56.5", "Vbr,52.3"], 14),
        (["", ",,"], 14),
        (["57,"], 15),
        ([], 14),
    ],
)
def test_what_stands_below_a_curve_is_no_point_of_it(
    tmp_path: Path, end: list[str], points: int
) -> None:
    lines = ["V (V),I (A)", *(f"{v},{i:.3e}" for v, i in zip(V, I, strict=True)), *end]
    (part,) = read(table(tmp_path, lines), "iv", *IV)
    assert part.curve is not None
    kept = min(points, 14)  # a point without a current is left out, and told
    np.testing.assert_allclose(part.curve.bias_v, V[:kept])
    np.testing.assert_allclose(part.curve.current_a, I[:kept], rtol=1e-3)


def test_overflows_of_a_histogram_are_no_bins(tmp_path: Path) -> None:
    lines = ["adc,counts", "underflow,900", *(f"{n},{n % 4}" for n in range(20)), "overflow,800"]
    (part,) = read(table(tmp_path, lines), "spectrum", "adc>charge", "counts>count")
    assert part.size == sum(n % 4 for n in range(20))
    assert part.channels == (0,)


@pytest.mark.parametrize(("last", "whole"), [("908", False), ("0", True), ("9080", False)])
def test_a_last_count_without_a_line_end_may_lack_digits(
    tmp_path: Path, last: str, whole: bool
) -> None:
    lines = ["adc,counts", *(f"{n:03d},{1000 + n}" for n in range(20)), f"020,{last}"]
    for end, counted in (("\n", True), ("", whole)):
        (part,) = read(table(tmp_path, lines, end), "spectrum", "adc>charge", "counts>count")
        assert part.size == sum(1000 + n for n in range(20)) + (int(last) if counted else 0)


def test_rows_of_channels_devices_and_conditions_are_parts_of_their_own(tmp_path: Path) -> None:
    lines = ["serial,channel,temperature [°C],V (V),I (A)"]
    for serial in ("A-1", "B-2"):
        for channel in (0, 3):
            for t in (20.0, 25.0):
                scale = (1 + channel) * (2 if serial == "B-2" else 1) * t
                lines += [
                    f"{serial},{channel},{t},{v},{i * scale:.4e}" for v, i in zip(V, I, strict=True)
                ]
    parts = read(table(tmp_path, lines), "iv", *IV)
    told = [(one.serial, one.channels, one.temperature_c) for one in parts]
    assert told == [(s, (c,), t) for s in ("A-1", "B-2") for c in (0, 3) for t in (20.0, 25.0)]
    for one in parts:
        assert one.curve is not None
        scale = (1 + one.channels[0]) * (2 if one.serial == "B-2" else 1) * one.temperature_c
        np.testing.assert_allclose(one.curve.current_a, I * scale, rtol=1e-3)
        assert one.channel_known
        assert not one.doubts


def test_readings_of_a_temperature_close_to_each_other_are_one_condition(tmp_path: Path) -> None:
    readings = np.linspace(19.6, 20.4, 14)
    lines = ["V (V),I (A),T [°C]"]
    lines += [f"{v},{i:.3e},{t:.2f}" for v, i, t in zip(V, I, readings, strict=True)]
    lines += [f"{v},{i:.3e},{t + 5:.2f}" for v, i, t in zip(V, I, readings, strict=True)]
    cold, warm = read(table(tmp_path, lines), "iv", *IV)
    assert (cold.temperature_c, warm.temperature_c) == (pytest.approx(20.0), pytest.approx(25.0))
    assert any("ran from 19.6 to 20.4 °C; its mean, 20.0 °C" in note for note in cold.notes)


@pytest.mark.parametrize(
    ("channels", "last"),
    [([1, 2, 3, 3], 3), ([0, 1, 2], 0), ([1, 3], 0), ([1], 0), ([2, 3], 0), ([2, 1], 2)],
)
def test_channels_that_count_as_people_do_are_noticed(channels: list[int], last: int) -> None:
    assert counts_from_one(np.array([*channels, np.nan], float)) == last


@pytest.mark.parametrize(("first", "doubt"), [(1, True), (0, False)])
def test_channels_from_one_are_asked_where_the_mapping_counts_from_none(
    tmp_path: Path, first: int, doubt: bool
) -> None:
    lines = ["channel,V (V),I (A)"]
    lines += [f"{c},{row}" for c in (first, first + 1) for row in rows()]
    path = table(tmp_path, lines)
    parts = read(path, "iv", *IV)
    assert [one.channels[0] for one in parts] == [first, first + 1]
    assert any("do they count from 1" in one for one in parts[0].doubts) == doubt
    if doubt:
        again = read(path, "iv", *IV, channels_from=1)
        assert [one.channels[0] for one in again] == [0, 1]
        assert not again[0].doubts


def test_charges_of_a_list_stand_in_the_line_of_their_event(tmp_path: Path) -> None:
    lines = ["event,channel,adc", "7,0,10", "7,2,12", "9,2,22", "8,0,30"]
    (part,) = read(table(tmp_path, lines), "charge", "adc>charge", "event>event", "channel>channel")
    assert part.channels == (0, 2)
    np.testing.assert_array_equal(part.charges, [[10, 12], [30, np.nan], [np.nan, 22]])
    twice = [*lines, "9,2,99"]
    (part,) = read(table(tmp_path, twice), "charge", "adc>charge", "event>event", "channel>channel")
    np.testing.assert_array_equal(part.charges, [[10, 12], [30, 22], [np.nan, 99]])


def test_boards_follow_one_another_from_a_round_number_on(tmp_path: Path) -> None:
    lines = ["brd,ch,adc", "3,0,10", "3,17,11", "5,0,20", "5,17,21"]
    (part,) = read(table(tmp_path, lines), "charge", "adc>charge", "brd>board", "ch>channel")
    assert part.channels == (0, 17, 32, 49)
    np.testing.assert_array_equal(part.charges, [[10, 11, 20, 21]])


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["V (V),I (A)", "50,1e-9", "51,<2e-9", "52,3e-9"],
         "line 3, column I (A): “<2e-9” is a limit, not a value"),
        (["V (V),I (A)", "50,1e-9", "51,inf", "52,3e-9"], "line 3, column I (A): not a finite"),
        (["V (V),I (A)", "50,1e-9", "51,x", "52,3e-9"], "line 3, column I (A): “x” is no number"),
        (["V (V),I (s)", *rows()], "I (s)"),
        (["V (V),J (A)", *rows()], "there is no column “I (A)”; there are V (V), J (A)"),
    ],
)  # fmt: skip
def test_what_can_not_be_read_is_told_by_line_and_column(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(TableError) as error:
        read(table(tmp_path, lines), "iv", *IV)
    assert str(error.value).startswith("a.csv")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("steps", "even"), [([1.0] * 20, True), ([1.0] * 10 + [1.4] * 10, True),
                        ([1.0] * 19 + [1.6], False), ([1.0] * 19 + [-1.0], False)],
)  # fmt: skip
def test_times_that_do_not_rise_evenly_are_asked(
    tmp_path: Path, steps: list[float], even: bool
) -> None:
    times = np.cumsum([0.0, *steps])
    lines = ["Time (ns),CH1 (mV)", *(f"{t:.2f},{n % 3}" for n, t in enumerate(times))]
    found = propose(table(tmp_path, lines))
    assert found.mapping is not None
    assert any("does not rise evenly" in str(one) for one in found.doubts) != even
