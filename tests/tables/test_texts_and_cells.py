"""Texts of any encoding, cells with units, files that were cut: what is kept, what is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa.tables import TableError
from mppcqa.tables.cell_units import units_of_cells, with_unit
from mppcqa.tables.errors import Fault
from mppcqa.tables.headings import Column, read_head
from mppcqa.tables.languages import encoding_by_words, in_english
from mppcqa.tables.limit_flags import limit_flags, limited, without_limited
from mppcqa.tables.numbers import dates, numbers, texts, to_number
from mppcqa.tables.opening import open_source
from mppcqa.tables.proposal import channels_of, serials_doubt, source_of, unit_doubt
from mppcqa.tables.stored import Stored, pieces, read_array
from mppcqa.tables.text import (
    ends_with_line,
    find_encoding,
    looks_cut,
    read_lines,
    refuse_cut,
    refuse_cut_line,
    sample_lines,
)
from mppcqa.tables.unreadable import named


@pytest.mark.parametrize(
    ("encoding", "found"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8-sig"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"),
        ("utf-16-be", "utf-16-be"),
        ("utf-32", "utf-32"),
        ("cp1252", "cp1252"),
    ],
)
def test_a_text_is_read_in_the_encoding_it_was_written_in(
    tmp_path: Path, encoding: str, found: str
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("Strom (µA),Größe\n1,2\n".encode(encoding))
    assert find_encoding(path) == found
    assert read_lines(path) == ["Strom (µA),Größe", "1,2"]


def test_a_byte_that_is_not_utf8_far_behind_is_found_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"V,I\n" + b"1.0,2.0\n" * 2000 + "3,µ\n".encode("cp1252"))
    assert find_encoding(path) == "cp1252"
    path.write_bytes(b"V,I\n" + b"1.0,2.0\n" * 2000 + b"\x813,4\n")  # no letter of Windows-1252
    assert find_encoding(path) == "latin-1"
    path.write_bytes(b"V,I\n" + b"1.0,2.0\n" * 2000 + b"\0\0\0")
    with pytest.raises(TableError, match="binary"):
        find_encoding(path)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_lines_end_as_any_system_ends_them(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes((ending.join(["a,b", "", "1,2"]) + 3 * ending).encode())
    assert read_lines(path) == ["a,b", "", "1,2"]
    assert sample_lines(path, "utf-8") == ["a,b", "", "1,2"]
    # What a look breaks off is no line, nor are empty ones before it.
    assert read_lines(path, limit=len(f"a,b{ending}{ending}1")) == ["a,b"]
    assert ends_with_line(path)


def test_the_sample_of_a_long_text_has_whole_lines_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("abc\ndef\nghi\n")
    assert sample_lines(path, "utf-8", most=9) == ["abc", "def"]
    assert sample_lines(path, "utf-8", most=12) == ["abc", "def", "ghi"]
    with pytest.raises(TableError, match="first line has no end"):
        sample_lines(path, "utf-8", most=3)
    with pytest.raises(TableError, match="not in no-such"):
        sample_lines(path, "no-such")
    path.write_text("1," * 3000)
    with pytest.raises(TableError, match=r"2501 columns; at most 2000"):
        sample_lines(path, "utf-8", most=5000)


@pytest.mark.parametrize("content", [b"", b"\x01\x02\x03\x04 text", b"a\0b"])
def test_what_is_no_text_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(content)
    with pytest.raises(TableError, match=r"^a.csv: (the file is empty|this is no text file)"):
        read_lines(path)


@pytest.mark.parametrize(
    ("cell", "others", "cut"),
    [
        ("2.0e-1", ["2.0e-11", "3.5e-11"], True),
        ("2.0e-11", ["2.0e-11", "3.5e-11"], False),
        ("-2.0e-11", ["2.0e-11"], False),  # a sign is no digit
        ("1.2", ["1.23", "1.24"], True),
        ("1,2", ["1,23", "1,24"], True),
        ("1.2", ["1.23", "1.3"], False),
        (".5", ["0.25", "0.75"], True),
        ("10", ["9", "8"], False),
        ("1", [], False),
        ("", ["1"], False),
    ],
)
def test_a_number_that_lacks_digits_all_others_have_was_cut(
    cell: str, others: list[str], cut: bool
) -> None:
    assert looks_cut(cell, others) == cut


def test_a_file_that_ends_within_a_number_is_refused_unless_its_line_has_an_end(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.csv"
    rows = [["V", "1"], ["1.25", "2.50"], ["1.50", "2.75"], ["1.75", "3.0"]]
    path.write_text("\n".join(",".join(row) for row in rows))
    with pytest.raises(TableError, match=r"a.csv: its last line \(3.0\) is not whole"):
        refuse_cut(path, rows[1:])
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    refuse_cut(path, rows[1:])
    path.write_text("\n".join(",".join(row) for row in [*rows[:-1], ["1.75", "3.00"]]))
    refuse_cut(path, [*rows[1:-1], ["1.75", "3.00"]])


def test_lines_padded_to_one_length_tell_a_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x")
    refuse_cut_line(path, ["  10", "  20", " 130"])
    with pytest.raises(TableError, match=r"\(13\)"):
        refuse_cut_line(path, ["  10", "  20", " 13"])
    with pytest.raises(TableError, match="not whole"):
        refuse_cut_line(path, ["10 ", "20 ", "130"])
    refuse_cut_line(path, ["10"])
    path.write_text("x\n")
    refuse_cut_line(path, ["  10", "  20", " 13"])


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("49.0 V", ("49.0", "V")),
        ("49.0V", ("49.0", "V")),
        ("0.02n", ("0.02", "n")),
        ("1,5 µA", ("1,5", "µA")),
        ("-3e-9 A", ("-3e-9", "A")),
        ("49 V", ("49", "V")),
        ("71A", None),  # a name
        ("71 A", ("71", "A")),
        ("71.0A", ("71.0", "A")),
        ("3 ADC", None),
        ("3 furlongs", None),
        ("5%", None),
        ("V", None),
        ("12", None),
        ("", None),
        ("S13360-1n", None),
    ],
)
def test_cells_with_units(cell: str, found: tuple[str, str] | None) -> None:
    assert with_unit(cell) == found


@pytest.mark.parametrize(
    ("head", "cells", "unit"),
    [
        ("Current", ["1.5 nA", "2.5 µA"], "A"),
        ("Current", ["1.5n", "2.5n"], "A"),
        ("Current (nA)", ["1.5 µA", "2.5"], ""),
        ("Current (nA)", ["1.5 µA", "2.5 µA", "2.5"], "nA"),
        ("Serial", ["1.5 nA", "2.5 nA"], ""),
        ("Serial", ["1.5n", "2.5n"], ""),
        ("Current", ["1.5 V", "2.5 V"], ""),
        ("Current", ["1.5 nA", "N/A", "-"], "A"),
        ("Current", ["1.5 nA", "x", "y"], ""),
        ("Current", [], ""),
    ],
)
def test_a_column_has_units_in_its_cells_where_most_say_one_of_it(
    head: str, cells: list[str], unit: str
) -> None:
    (column,) = units_of_cells([read_head(head)], [[cell] for cell in cells])
    assert column.cell_units == bool(unit)
    assert not unit or column.unit == unit


@settings(max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.floats(0.01, 999).map(lambda x: round(x, 2)),
            st.sampled_from(["pA", "nA", "µA", "mA"]),
        ),
        min_size=3,
        max_size=8,
    )
)
def test_a_column_of_cells_in_different_units_comes_out_in_one(
    tmp_path_factory: pytest.TempPathFactory, cells: list[tuple[float, str]]
) -> None:
    path = tmp_path_factory.mktemp("cells") / "a.csv"
    lines = [f"{n}.0,{value} {unit}" for n, (value, unit) in enumerate(cells)]
    path.write_text("\n".join(["Voltage (V),Current", *lines]) + "\n")
    source = open_source(path)
    (chunk,) = source.chunks()
    found = numbers(chunk.cells[1], source.columns[1].decimal).value
    powers = {"pA": 1e-12, "nA": 1e-9, "µA": 1e-6, "mA": 1e-3}
    np.testing.assert_allclose(found, [value * powers[unit] for value, unit in cells])
    assert any("Cells with units are read as numbers in" in note for note in source.notes)


def test_numbers_keep_what_a_limit_was_and_which_side() -> None:
    found = numbers(pa.array(["5", "<1000", "more than 3"]))
    assert found.at[1:].tolist() == [1000.0, 3.0]
    assert found.side.tolist() == [0, 1, -1]
    turned = found.changed(-2.0, 1.0)
    assert turned.value[0] == -9.0
    assert turned.at[1:].tolist() == [-1999.0, -5.0]
    assert turned.side.tolist() == [0, -1, 1]  # what was above is below
    assert found.changed(1e-3).side.tolist() == [0, 1, -1]


def test_infinities_are_told_from_nothing_and_from_words() -> None:
    found = numbers(pa.array(["1", "inf", "nan", "-", "", "OL", "9.91e37", "x"]))
    assert found.infinite.tolist() == [False, True, True, False, False, False, False, False]
    assert found.empty.tolist() == [False, False, False, True, True, True, True, False]
    assert found.word.tolist() == [False, False, False, True, False, True, True, False]
    assert found.broken.tolist() == [*[False] * 7, True]
    column = pa.array([1.0, None, 9.9e37, float("inf")])
    stored = numbers(column)
    assert stored.empty.tolist() == [False, True, True, False]
    assert stored.infinite.tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("cell", "decimal", "number"),
    [
        ("1,234,567.5", "", 1234567.5),
        ("1.234.567,5", "", 1234567.5),
        ("1 234,5", "", 1234.5),
        ("1'234.5", "", 1234.5),
        ("12,34.5", ".", None),
        ("1,234", "", None),
        ("1,234", ",", 1.234),
        ("1,234", ".", None),  # a group alone may be decimals of another hand
        ("1,234.0", ".", 1234.0),
        ("2,5e-9", "", 2.5e-9),
        ("2D-9", "", 2e-9),
        ("\u22125", "", -5.0),
        ("1e9999", "", None),
        ("5.", "", 5.0),
        (".5", "", 0.5),
        ("+3", "", 3.0),
    ],
)
def test_a_cell_alone(cell: str, decimal: str, number: float | None) -> None:
    assert to_number(cell, decimal) == number


def test_serials_that_a_spreadsheet_made_numbers_are_texts_again() -> None:
    assert texts(pa.array([1000123.0, None, 7.0])).to_pylist() == ["1000123", "", "7"]
    assert texts(pa.array([1.5, 7.0])).to_pylist()[0] == "1.5"
    assert texts(pa.array([" a ", None])).to_pylist() == ["a", ""]
    assert dates(pa.array(["2026-11-28", "2026-11-28T10:00", "2026-11", "x"])).tolist() == [
        True,
        True,
        False,
        False,
    ]


def test_points_at_the_supplys_limit_are_left_out_unless_all_say_so() -> None:
    heads = [Column(one, one) for one in ("V", "I", "Compliance", "Status", "Limit", "Note")]
    heads[4] = Column("Limit (A)", "Limit", "A")
    assert limit_flags(heads, [0, 1]) == [2, 3, 5]
    assert limit_flags(heads, [0, 1, 2]) == [3, 5]
    cells = pa.array(["F", "T", "F", "1", "no limit"])
    kept, notes = without_limited(np.ones(5, bool), cells, heads[2])
    assert kept.tolist() == [True, False, True, False, True]
    assert notes == ["2 points at the supply's limit, by “Compliance”, are left out"]
    always, none = without_limited(np.ones(2, bool), pa.array(["T", "T"]), heads[2])
    assert (always.tolist(), none) == ([True, True], [])
    once = without_limited(np.array([False, True]), pa.array(["T", "F"]), heads[2])
    assert (once[0].tolist(), once[1]) == ([False, True], [])
    # of a column of any status only what names the limit
    said = limited(pa.array(["1", "C", "in compliance", "not in compliance", "ok"]), heads[3])
    assert said.tolist() == [False, True, True, False, False]


def test_words_of_other_languages_and_the_bytes_they_were_written_in() -> None:
    assert in_english("tensione inversa") == "reverse voltage"
    assert in_english("temperature") == "temperature"
    assert in_english("stromkreis") == "stromkreis"  # a word, not its beginning
    assert in_english("тока") == "тока"
    assert encoding_by_words("电压,电流".encode("gb18030")) == "gb18030"
    assert encoding_by_words("НАПРЯЖЕНИЕ".encode("cp1251")) == "cp1251"
    assert encoding_by_words("Напряжение".encode("koi8-r")) == "koi8-r"
    assert encoding_by_words(b"voltage,current") == ""


@pytest.mark.parametrize(
    ("start", "name", "said"),
    [
        (b"\x1f\x8b\x08\0", "a.csv", "gunzip"),
        (b"%PDF-1.7", "a.csv", "save the table as CSV or Excel"),
        (b"AG10\0\0", "a.bin", "Keysight .bin"),
        (b"\x0f\x0f:WFM#007", "a.dat", "Tektronix .wfm of version 7"),
        (b"\xa5\xa5\0\0", "a.wfm", "Rigol .wfm"),
        (b"\xa5\xa5\0\0", "a.dat", "tell nothing of what they are"),
        (b"\0\x01", "a.opj", "an Origin project"),
        (b"\0\x01", "a.xyz", ""),
        (b"V,I\n1,2\n", "a.dat", ""),  # a table, whatever its ending
        (b"psdata", "a.csv", "PicoScope"),
    ],
)
def test_formats_that_can_not_be_read_are_named_with_a_way_out(
    tmp_path: Path, start: bytes, name: str, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(start)
    assert said in named(path)
    assert bool(named(path)) == bool(said)


@pytest.mark.parametrize("page", [b"<html><table>", b"\xef\xbb\xbf <!DOCTYPE html>", b"<?xml "])
def test_a_web_page_is_told_from_a_table(tmp_path: Path, page: bytes) -> None:
    path = tmp_path / "a.xls"
    path.write_bytes(page)
    with pytest.raises(TableError, match=r"web page.*save it as \.xlsx"):
        open_source(path)


@settings(max_examples=15)
@given(
    st.integers(1, 12),
    st.lists(st.integers(0, 11), max_size=12),
    st.slices(12),
)
def test_stored_waveforms_are_indexed_as_an_array_is(
    count: int, chosen: list[int], some: slice
) -> None:
    table = np.arange(3 * count, dtype="i2").reshape(count, 3)
    waves = Stored(table.shape, table.dtype, lambda first, end: table[first:end])
    np.testing.assert_array_equal(waves[some], table[some])
    rows = np.array([one for one in chosen if one < count], int)
    part = waves[rows]
    assert part.shape == (len(rows), 3)
    np.testing.assert_array_equal(part[:], table[rows])
    np.testing.assert_array_equal(part[some], table[rows][some])
    if len(rows):
        np.testing.assert_array_equal(part[-1], table[rows][-1])
        np.testing.assert_array_equal(part[part.shape[0] - 1], table[rows][-1])
        odd = np.arange(len(rows)) % 2 == 1
        np.testing.assert_array_equal(part[odd][:], table[rows][odd])
    for size in (1, 13, 1000):
        parts = list(pieces(part, size))
        assert sum(map(len, parts)) == len(rows)
        assert all(len(one) * 6 <= max(6, size) for one in parts)


def test_neighbours_in_a_file_are_read_at_once() -> None:
    asked: list[tuple[int, int]] = []
    table = np.arange(40).reshape(20, 2)

    def read(first: int, end: int) -> np.ndarray:
        asked.append((first, end))
        return table[first:end]

    waves = Stored(table.shape, table.dtype, read)[np.array([3, 4, 5, 9, 10, 15])]
    np.testing.assert_array_equal(waves[:], table[[3, 4, 5, 9, 10, 15]])
    assert asked == [(3, 6), (9, 11), (15, 16)]
    asked.clear()
    np.testing.assert_array_equal(waves[0:3], table[3:6])
    assert asked == [(3, 6)]


def test_numbers_of_a_file_end_where_it_does(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(np.arange(10, dtype="<i2").tobytes() + b"\x01")
    assert read_array(path, np.dtype("<i2"), 3, 4).tolist() == [2, 3, 4]
    assert read_array(path, np.dtype("<i2"), 99, 14).tolist() == [7, 8, 9]
    assert read_array(path, np.dtype("<i2"), 5, 99).tolist() == []


def heads(*names: str) -> list[Column]:
    return [read_head(name) for name in names]


@pytest.mark.parametrize(
    ("names", "channels"),
    [
        (["I1", "I2", "I3"], [0, 1, 2]),  # from one
        (["I0", "I1"], [0, 1]),
        (["I3", "I2"], [3, 2]),
        (["HG_4", "HG_7"], [4, 7]),
        (["a", "b"], [0, 1]),
        (["I1"], [0]),
        (["I dark", "I light"], [0, 0]),  # one channel in the dark and in light
        (["I, T=20C", "I, T=-20C"], [0, 0]),
        (["I10000", "I2"], [0, 1]),  # no numbers of channels
        (["I1 (A)", "I01 (A)"], [0, 1]),
    ],
)
def test_columns_are_channels_by_their_numbers(names: list[str], channels: list[int]) -> None:
    found = channels_of(heads(*names), list(range(len(names))))
    assert [channel for channel, _place in found] == channels
    assert [place for _channel, place in found] == list(range(len(names)))


def test_columns_called_by_serial_numbers_are_asked() -> None:
    (doubt,) = serials_doubt(heads("SN12 I (A)", "SN13 I (A)"), [0, 1])
    assert "serial numbers" in str(doubt)
    assert serials_doubt(heads("1000123", "1000124"), [0, 1])
    assert serials_doubt(heads("I1", "I2"), [0, 1]) == []
    assert serials_doubt(heads("SN12", "I2"), [0, 1]) == []
    assert serials_doubt(heads("SN12"), [0]) == []


def test_a_mapping_names_a_column_by_its_number_where_its_heading_is_not_its_own() -> None:
    columns = heads("V", "I", "I", "12", "#5")
    assert [source_of(columns, place) for place in range(5)] == ["V", "2", "3", "4", "5"]


def test_a_unit_that_lacks_or_may_be_two_is_asked_with_the_likely_one() -> None:
    (lacks,) = unit_doubt(read_head("Current"), "A")
    assert (lacks.column, lacks.unit) == ("Current", "A")
    (two,) = unit_doubt(read_head("Current (MA)"), "A")
    assert (two.column, two.unit) == ("Current (MA)", "mA")
    assert unit_doubt(read_head("Current (nA)"), "A") == []


def test_a_fault_says_its_place_as_a_spreadsheet_counts() -> None:
    assert str(Fault(3, "Serial", "is empty")) == "row 3: Serial: is empty"
    assert str(Fault(3, "", "is empty")) == "row 3: is empty"
    assert str(Fault(None, "", "is empty")) == "is empty"
    assert str(Fault(0, "", "is empty")) == "row 0: is empty"
