"""Sweeps of source meters, however they send or save them: in volts and amperes, or refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mppcqa.tables import TableError
from mppcqa.tables.formats.source_meter import looks as looks_like_a_buffer
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.reading import read_foreign
from tests.tables.test_instruments_by_hand import read, written

V = np.arange(50.0, 57.0, 0.5)
I = 1e-9 * (1 + np.arange(14.0)) ** 2  # noqa: E741


def buffer(mark: str, *columns: np.ndarray, digits: int = 6) -> str:
    return mark.join(f"{x:.{digits}E}" for row in zip(*columns, strict=True) for x in row)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("more", [0, 1, 3])
def test_a_buffer_of_a_source_meter_in_any_form(tmp_path: Path, mark: str, more: int) -> None:
    """V,I; with the resistance 9.91E37 for none; with time and status."""
    columns = [V, I, np.full(14, 9.91e37), np.arange(14.0), np.full(14, 2 << 14)][: 2 + more]
    (part,) = read(written(tmp_path, "a.txt", [buffer(mark, *columns)]))
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, V)
    np.testing.assert_allclose(part.curve.current_a, I)
    assert np.isnan(part.bias_v)
    assert any(f"14 points of {2 + more} numbers each" in note for note in part.notes)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_long_buffer_is_known_wherever_a_look_at_it_breaks_off(mark: str) -> None:
    text = buffer(mark, np.arange(0, 60, 0.1), np.full(600, 1e-9)).encode()
    assert len(text) > 4096 + 20
    for start in range(15):
        assert looks_like_a_buffer((b" " * start + text)[:4096], Path("a.txt")), start


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (buffer(",", V, I)[:-4], "first or last number is not whole"),
        (buffer(",", V, I)[3:], "first or last number is not whole"),
        (buffer(",", V, I) + "\n" + buffer(",", V, I), "one line of numbers"),
        (buffer(",", V, I).replace("5.1", "x", 1), "one line of numbers"),
        (buffer(",", np.zeros(14), I), "no points V,I,V,I"),
        (buffer(",", V, 1e10 * I), "no points V,I,V,I"),
    ],
)
def test_a_buffer_that_is_no_sweep_is_refused(tmp_path: Path, line: str, said: str) -> None:
    path = written(tmp_path, "a.txt", [line])
    with pytest.raises(TableError, match=f"a.txt: .*{said}"):
        read_foreign(path, Mapping("m", "source_meter", "iv"))


def keithley(unit: str = "Amp DC", status: str = "F") -> list[str]:
    return ["Model,2450", "Index,Reading,Unit,Value,Unit,Source Limit"] + [
        f"{n},{i:.6E},{unit},{v:.3f},Volt DC,{status}"
        for n, (v, i) in enumerate(zip(V, I, strict=True), 1)
    ]


def test_a_keithley_s_buffer_is_in_the_units_beside_its_numbers(tmp_path: Path) -> None:
    for unit, factor in (("Amp DC", 1.0), ("nA", 1e-9)):
        (part,) = read(written(tmp_path, "a.csv", keithley(unit)))
        assert part.curve is not None
        np.testing.assert_allclose(part.curve.current_a, I * factor, rtol=1e-5)
        np.testing.assert_allclose(part.curve.bias_v, V)
        assert part.facts == {"Model": "2450"}
    mixed = keithley()
    mixed[4] = mixed[4].replace("Amp DC", "nA")
    for lines, said in (
        (mixed, "the unit of Reading is Amp DC, nA; volts or amperes"),
        (keithley("Ohm"), "the unit of Reading is Ohm"),
        ([*keithley(), "15,1.0"], "row 15 of the sweep is not whole"),
    ):
        with pytest.raises(TableError, match=said):
            read(written(tmp_path, "a.csv", lines))


def test_points_at_a_keithley_s_limit_are_no_current(tmp_path: Path) -> None:
    lines = keithley()
    lines[-1] = lines[-1][:-1] + "T"
    (part,) = read(written(tmp_path, "a.csv", lines))
    assert part.size == 13
    assert any("1 points at the supply's limit, by “Source Limit”" in note for note in part.notes)
    (always,) = read(written(tmp_path, "a.csv", keithley(status="T")))
    assert always.size == 14  # a setting, not a reading


def test_easyexpert_s_currents_are_channels_where_they_are_numbered(tmp_path: Path) -> None:
    rows = [f"DataValue, {v:.2f}, {i:.4E}, {2 * i:.4E}" for v, i in zip(V, I, strict=True)]
    first, second = read(written(tmp_path, "a.csv", ["DataName, V1, I1, I2", *rows]))
    assert (first.channels, second.channels) == ((0,), (1,))
    assert second.curve is not None
    np.testing.assert_allclose(second.curve.current_a, 2 * I, rtol=1e-4)
    (one,) = read(
        written(tmp_path, "a.csv", ["DataName, V1, I1, I2", *rows]),
        *(Column("V1", "bias_v"), Column("I2", "current_a", channel=7)),
    )
    assert one.channels == (7,)
    with pytest.raises(TableError, match="several measurements"):
        read(written(tmp_path, "a.csv", ["DataName, V1, I1, I2", *rows, "DataName, V1, I1, I2"]))
    with pytest.raises(TableError, match=r"which is the bias.*V1 \[V\], V2 \[V\], I1 \[A\]"):
        read(written(tmp_path, "a.csv", ["DataName, V1, V2, I1", *rows]))
