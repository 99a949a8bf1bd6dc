"""One curve, histogram or list, written in every way: the same numbers, or a named refusal."""

from __future__ import annotations

import io
import itertools
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mppcqa.tables import TableError
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign

BIAS = np.round(np.arange(49.0, 57.05, 0.25), 2)
CURRENT = np.where(BIAS > 52.3, 4e-8 * (BIAS - 52.3) ** 2, 0) + 2e-11


def number(value: float, decimal: str, form: str) -> str:
    return format(value, form).replace(".", decimal)


HEADS = {
    "brackets": ("Voltage (V)", "Current (A)", ""),
    "square": ("Bias [V]", "I [A]", ""),
    "stroke": ("V_bias / V", "I_dark / A", ""),
    "units below": ("Voltage", "Current", "V A"),
    "units below in brackets": ("Voltage", "Current", "(V) (A)"),
    "spanish": ("Voltaje (V)", "Corriente (A)", ""),
    "nano": ("Bias (V)", "Current (nA)", ""),
    "micro": ("Bias (mV)", "Current (µA)", ""),
}
SCALES = {"nano": (1, 1e9), "micro": (1e3, 1e6)}


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mark=st.sampled_from([",", ";", "\t", "  ", " "]),
    signs=st.sampled_from([(".", "."), (",", ","), (".", ","), (",", ".")]),
    head=st.sampled_from(sorted(HEADS)),
    titles=st.sampled_from([[], ["IV sweep of SiPM"], ["# made by sweep.py", "# v 2.1"],
                            ["Keithley 2400", "", "Operator: Rosa", "Chamber: 2"]]),
    ending=st.sampled_from([[], [""], ["# end of sweep"], ["Aborted by user"], ["", "End"]]),
    trailing=st.booleans(),
    index=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_a_curve_in_any_writing(
    tmp_path: Path,
    mark: str,
    signs: tuple[str, str],
    head: str,
    titles: list[str],
    ending: list[str],
    trailing: bool,
    index: bool,
    encoding: str,
    line_end: str,
) -> None:
    if mark == ",":
        signs = (".", ".")
    voltage, current, units = HEADS[head]
    if mark == " ":
        voltage, current = voltage.replace(" ", ""), current.replace(" ", "")
    scale = SCALES.get(head, (1, 1))
    rows = [[voltage, current], *([units.split()] if units else [])]
    rows += [
        [number(v * scale[0], signs[0], ".2f"), number(i * scale[1], signs[1], ".8e")]
        for v, i in zip(BIAS, CURRENT, strict=True)
    ]
    if index:
        rows = [[("No." if n == 0 else "-" if row == units.split() else str(n)), *row]
                for n, row in enumerate(rows)]  # fmt: skip
    end = mark if trailing and mark in ",;\t" else ""
    lines = [*titles, *(mark.join(row) + end for row in rows), *ending]
    path = tmp_path / "sweep_20C.csv"
    path.write_bytes((line_end.join(lines) + line_end).encode(encoding))
    found = propose(path)
    assert found.certain, (found.doubts, lines[:6])
    assert found.mapping is not None
    (part,) = read_foreign(path, found.mapping)
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, BIAS, rtol=1e-7)
    np.testing.assert_allclose(part.curve.current_a, CURRENT, rtol=1e-6)
    assert np.isnan(part.curve.spread_a).all()
    assert part.temperature_c == 20


@pytest.mark.parametrize("mark", [",", ";", "\t", " "])
@pytest.mark.parametrize(
    "heads",
    [("Channel", "Counts"), ("ADC", "Entries"), ("Energy", "N"), ("Bin", "Events"),
     ("bin_center", "counts"), ("ADC Channel", "Counts"), ("Counts", "Channel")],
)  # fmt: skip
def test_a_histogram_is_never_a_curve(tmp_path: Path, heads: tuple[str, str], mark: str) -> None:
    if mark == " ":
        heads = (heads[0].replace(" ", "_"), heads[1])
    centres = np.arange(-20, 400, 2)
    counts = (900 * np.exp(-0.5 * ((centres[:, None] - [25, 62, 99]) / 6) ** 2)).sum(1).astype(int)
    columns = (counts, centres) if heads[0] == "Counts" else (centres, counts)
    path = tmp_path / "comb_55V_20C.csv"
    rows = [mark.join(heads), *(f"{a}{mark}{b}" for a, b in zip(*columns, strict=True))]
    path.write_text("\n".join(rows) + "\n")
    found = propose(path)
    assert found.certain, found.doubts
    assert found.mapping is not None
    assert found.mapping.kind == "spectrum"
    (part,) = read_foreign(path, found.mapping)
    assert part.charges is not None
    assert len(part.charges) == counts.sum()
    assert (part.bias_v, part.temperature_c) == (55.0, 20.0)
    document = {
        "name": "wrong",
        "kind": "iv",
        "columns": [{"source": "1", "role": "bias_v"}, {"source": "2", "role": "current_a"}],
    }
    with pytest.raises(TableError, match="is no"):
        read_foreign(path, mapping_from_json(document))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["49.0,1e-9", "49.5,2e-9", "50,3e-9", "51,4e-9"], "no headings"),
        (["Voltage,Current", "49.0,1e-9", "49.5,2e-9", "50,3e-9"], "has no unit"),
        (["V (V),I1 (A),I_ref (A)", "49.0,1e-9,1", "49.5,2e-9,1", "50,3e-9,1"], "which is the"),
        (["ADC,Counts,Events", "1,5,6", "2,3,4", "3,4,5"], "which column has the counts"),
        (["a,b", "49.0,1e-9", "49.5,2e-9", "50,3e-9"], "tell nothing"),
    ],
)
def test_what_is_not_certain_is_asked(tmp_path: Path, lines: list[str], why: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text("\n".join(lines) + "\n")
    found = propose(path)
    assert not found.certain
    assert why in "; ".join(map(str, found.doubts))


def test_a_unit_that_was_said_answers_the_doubt(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("Voltage,Current\n49.0,1\n49.5,2\n50,3\n51,5\n")
    found = propose(path).with_unit("Voltage", "V").with_unit("Current", "nA")
    assert found.certain
    assert found.mapping is not None
    (part,) = read_foreign(path, found.mapping)
    assert part.curve is not None
    assert part.curve.current_a.tolist() == pytest.approx([1e-9, 2e-9, 3e-9, 5e-9])
    with pytest.raises(TableError, match="no unit of"):
        propose(path).with_unit("Current", "V")


SIGNS = list(itertools.product((1, -1), (1, -1)))


@pytest.mark.parametrize(("bias_sign", "current_sign"), SIGNS)
def test_any_polarity_is_reverse_positive(
    tmp_path: Path, bias_sign: int, current_sign: int
) -> None:
    """With a forward branch of a volt, whichever way supply and meter were wired."""
    bias = np.concatenate([[-0.8, -0.6, -0.4, 0.0], BIAS])
    current = np.concatenate([[-1e-3, -1e-4, -1e-8, 0.0], CURRENT])
    path = tmp_path / "x.csv"
    rows = [f"{bias_sign * v},{current_sign * i}" for v, i in zip(bias, current, strict=True)]
    path.write_text("\n".join(["Voltage (V),Current (A)", *rows]) + "\n")
    mapping = propose(path).mapping
    assert mapping is not None
    (part,) = read_foreign(path, mapping)
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.bias_v, bias)
    np.testing.assert_allclose(part.curve.current_a, current)


def test_readings_out_of_range_leave_a_curve_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    text = "Voltage (V),Current (A)\n49,1e-9\n50,9.91E37\n51,N/A\n52,3e-9\n53,overflow\n54,5e-9\n"
    path.write_text(text)
    mapping = propose(path).mapping
    assert mapping is not None
    (part,) = read_foreign(path, mapping)
    assert part.curve is not None
    assert part.curve.bias_v.tolist() == [49, 52, 54]
    assert any("3 points without a reading" in note for note in part.notes)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Voltage (V);Current (A)\n49;2,310\n50;2,320\n51;2,330\n", "decimals or thousands"),
        ("Voltage (V),Current (A)\n49,0,2,1e-9\n49,5,2,2e-9\n50,0,2,3e-9\n", "commas separate"),
        ("Voltage (V),Current (A)\n49,1e-9\n50,x\n51,2e-9\n52,3e-9\n", "line 3"),
        ("Voltage (V),Current (A)\n49,<1e-9\n50,2e-9\n51,2e-9\n52,3e-9\n", "is a limit"),
        ("Voltage (V),Current (A)\n4900,1e-9\n5000,2e-9\n5100,2e-9\n", "not possible"),
        ("Voltage (V),Current (A)\n49,1e-9\n49,2e-9\n49,2e-9\n", "at each point"),
        ("Voltage (V),Current (A)\n49,1e-9\n", "no curve"),
    ],
)
def test_a_curve_that_may_be_wrong_is_refused(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=why):
        read_foreign(path, propose(path).mapping)  # type: ignore[arg-type]


@pytest.mark.parametrize("head", ["ch", "Channel", "CH", "Ch.", "chan", "channel_id", "Pixel"])
def test_a_column_of_channels_parts_a_curve(tmp_path: Path, head: str) -> None:
    path = tmp_path / "x.csv"
    rows = [
        f"{c},{v},{i + c * 1e-12}" for c in (0, 3, 7) for v, i in zip(BIAS, CURRENT, strict=True)
    ]
    path.write_text("\n".join([f"{head},Voltage (V),Current (A)", *rows]) + "\n")
    mapping = propose(path).mapping
    assert mapping is not None
    parts = read_foreign(path, mapping)
    assert [part.channels for part in parts] == [(0,), (3,), (7,)]
    for part, channel in zip(parts, (0, 3, 7), strict=True):
        assert part.curve is not None
        np.testing.assert_allclose(part.curve.current_a, CURRENT + channel * 1e-12)


def test_a_column_of_serials_and_temperatures_parts_curves(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = [
        f"{s},{t + 0.01 * n},{v},{i}"
        for s in ("A-1", "A-2")
        for t in (253.15, 293.15)
        for n, (v, i) in enumerate(zip(BIAS, CURRENT, strict=True))
    ]
    path.write_text("\n".join(["Serial No.,T (K),Voltage (V),Current (A)", *rows]) + "\n")
    mapping = propose(path).mapping
    assert mapping is not None
    parts = read_foreign(path, mapping)
    assert [part.serial for part in parts] == ["A-1", "A-1", "A-2", "A-2"]
    found = [part.temperature_c for part in parts]
    assert found == pytest.approx([-19.84, 20.16, -19.84, 20.16], abs=0.01)


def test_a_curve_in_a_workbook_with_title_and_units(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    rows: list[list[object]] = [["IV sweep"], [], ["Temperature", "-20 degC"], []]
    rows += [["Voltage", "Current"], ["V", "nA"]]
    rows += [[float(v), float(i * 1e9)] for v, i in zip(BIAS, CURRENT, strict=True)]
    for row in rows:
        book.active.append(row)
    target = io.BytesIO()
    book.save(target)
    path = tmp_path / "sweep.xlsx"
    path.write_bytes(target.getvalue())
    mapping = propose(path).mapping
    assert mapping is not None
    (part,) = read_foreign(path, mapping)
    assert part.curve is not None
    np.testing.assert_allclose(part.curve.current_a, CURRENT)
    assert part.temperature_c == -20


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x0f\x0f:WFM#003" + bytes(600), "Tektronix .wfm of version 3; save as CSV"),
        (b"\x1f\x8b\x08" + bytes(40), "gunzip"),
        (b"%PDF-1.7", "PDF"),
        (b"MATLAB 5.0 MAT-file" + bytes(200), "v7.3"),
        (b"\x93NUMPY\x01" + bytes(60), "NumPy"),
        (b"\x80\x04\x95" + bytes(60), "never opened"),
    ],
)
def test_what_can_not_be_read_is_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(TableError, match=words):
        propose(path)


@pytest.mark.parametrize(("last", "bins"), [("90", 39), ("0", 40)])
def test_the_last_bin_without_a_line_end_may_be_cut(tmp_path: Path, last: str, bins: int) -> None:
    """Of a count of 908 that was cut to 90 nothing tells; a 0 is whole."""
    rows = [f"{10 * n},{1 + 30 * n}" for n in range(39)]
    path = tmp_path / "spectrum_54V_20C.csv"
    path.write_text("\n".join(["ADC,Counts", *rows, f"390,{last}"]))
    (part,) = read_foreign(path, propose(path).mapping)
    assert part.charges is not None
    assert len(part.charges) == sum(1 + 30 * n for n in range(39))
    assert any("390 90" in note for note in part.notes) == (bins == 39)
