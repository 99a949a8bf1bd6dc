"""Workbooks as people fill them: what a cell shows, and what stands beside the table."""

from __future__ import annotations

import datetime as dt
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mppcqa.tables import TableError
from mppcqa.tables.opening import open_source
from mppcqa.tables.source import Reading
from tests.tables.sheets import write_ods, write_xls

HEADS = ["Serial", "Vbr (V)"]


def workbook(path: Path, rows: Sequence[Sequence[Any]], formats: dict[str, str] | None = None,
             **sheets: Sequence[Sequence[Any]]) -> Path:  # fmt: skip
    book = openpyxl.Workbook()
    book.active.title = "Data"
    for row in rows:
        book.active.append(row)
    for cell, shown in (formats or {}).items():
        book.active[cell].number_format = shown
    for name, more in sheets.items():
        sheet = book.create_sheet(name)
        for row in more:
            sheet.append(row)
    book.save(path)
    return path


def cells(path: Path, **reading: Any) -> list[list[str | None]]:
    """All rows of a table, column by column turned into rows."""
    chunks = list(open_source(path, Reading(**reading)).chunks())
    return [list(row) for one in chunks for row in zip(*(c.to_pylist() for c in one.cells),
                                                       strict=True)]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "shown", "text"),
    [
        (71, "00000", "00071"),
        (71, '"GX-"00000', "GX-00071"),
        (1234567, "000-0000", "123-4567"),
        (71, "000-0000", "000-0071"),
        (123456, "0000", "123456"),  # more digits than zeros
        (7, r"\A0", "A7"),
        (71, "0", "71"),
        (71, "General", "71"),
        (71.5, "00000", "71.5"),
        (-71, "00000", "-71"),
        (71.0, "General", "71"),
        (0.1, "0.00", "0.1"),  # all digits, whatever is shown
        (True, "General", "true"),
        ("00071", "General", "00071"),
        (dt.datetime(2026, 11, 28, 10, 30), "yyyy-mm-dd", "2026-11-28T10:30:00"),
    ],
)
def test_a_cell_reads_as_it_is_shown_where_its_format_is_a_code_of_digits(
    tmp_path: Path, value: Any, shown: str, text: str
) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADS, [value, 51.5], ["x", 51.5]], {"A2": shown})
    assert cells(path)[0] == [text, "51.5"]


def test_lines_above_the_table_are_left_out_and_rows_keep_their_numbers(tmp_path: Path) -> None:
    rows = [["Delivery 7"], [], HEADS, ["A-1", 51.5], ["A-2", 52.5]]
    source = open_source(workbook(tmp_path / "a.xlsx", rows))
    (chunk,) = source.chunks()
    assert chunk.rows.tolist() == [4, 5]
    assert chunk.cells[0].to_pylist() == ["A-1", "A-2"]
    assert "2 lines of remarks before the table are left out." in source.notes
    assert [one.unit for one in source.columns] == ["", "V"]
    plain = open_source(workbook(tmp_path / "b.xlsx", rows[2:]))
    assert not any("remarks" in note for note in plain.notes)
    assert next(plain.chunks()).rows.tolist() == [2, 3]


def test_a_long_sheet_is_read_to_its_end_and_only_once(tmp_path: Path) -> None:
    rows = [["title"], HEADS, *([f"A-{n}", n / 8] for n in range(700))]
    path = workbook(tmp_path / "a.xlsx", rows)
    chunks = list(open_source(path).chunks())
    numbers = np.concatenate([one.rows for one in chunks])
    assert numbers.tolist() == list(range(3, 703))
    found = cells(path)
    assert found[0] == ["A-0", "0"]
    assert found[-1] == ["A-699", repr(699 / 8)]
    assert len(found) == 700


def test_a_sheet_is_read_by_its_name_and_others_are_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADS, ["A-1", 51.5]], Other=[HEADS, ["B-1", 5.5]])
    source = open_source(path)
    assert source.sheets == ["Data", "Other"]
    assert source.used.sheet == "Data"
    assert "It has 2 sheets; one is read at a time." in source.notes
    assert cells(path, sheet="Other") == [["B-1", "5.5"]]
    with pytest.raises(TableError, match="no sheet “Third”; there are: Data, Other"):
        open_source(path, Reading(sheet="Third"))
    alone = open_source(workbook(tmp_path / "b.xlsx", [HEADS, ["A-1", 51.5]]))
    assert not any("sheets" in note for note in alone.notes)


def test_formulas_and_errors_are_faults_of_their_cell_and_no_values(tmp_path: Path) -> None:
    rows = [HEADS, ["A-1", "=1+50"], ["A-2", "#DIV/0!"], ["A-3", "#N/A"], ["A-4", 5.5, None, "x"],
            ["A-5", 5.5, "  "]]  # fmt: skip
    (chunk,) = open_source(workbook(tmp_path / "a.xlsx", rows)).chunks()
    assert chunk.cells[1].to_pylist() == [None, None, None, "5.5", "5.5"]
    told = [(one.row, one.column, one.what) for one in chunk.faults]
    assert told == [
        (2, "Vbr (V)", "the cell holds a formula (=1+50), no value"),
        (3, "Vbr (V)", "Excel shows the error #DIV/0!"),
        (5, "", "cells to the right of the last named column"),
    ]
    assert all(one.remedy for one in chunk.faults)


def test_an_archive_that_is_no_workbook_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.csv", "V,I\n1,2\n")
    with pytest.raises(TableError, match=r"ZIP archive, no Excel workbook\. Unpack it first"):
        open_source(path)
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(TableError, match=r"Excel file is damaged .* save it anew"):
        open_source(path)


@pytest.mark.parametrize(
    ("part", "megabytes", "refused"),
    [("xl/styles.xml", 17, True), ("xl/styles.xml", 15, False), ("xl/media/image1.png", 15, False)],
)
def test_a_part_that_would_unpack_beyond_reason_is_not_opened(
    tmp_path: Path, part: str, megabytes: int, refused: bool
) -> None:
    path = workbook(tmp_path / "a.xlsx", [HEADS, ["A-1", 51.5]])
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    noise = np.random.default_rng(1).integers(0, 256, 1 << 20, np.uint8).tobytes()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in (parts | {part: b"\x89" + noise * megabytes}).items():
            archive.writestr(name, data)
    if refused:
        with pytest.raises(TableError, match=r"would unpack from .* save it as CSV or Parquet"):
            open_source(path)
        return
    if part != "xl/styles.xml":  # nonsense in place of styles is damage, not a bomb
        assert cells(path) == [["A-1", "51.5"]]
        return
    with pytest.raises(TableError, match="damaged"):
        open_source(path)


@pytest.mark.parametrize(("write", "name"), [(write_xls, "a.xls"), (write_ods, "a.ods")])
def test_sheets_of_old_programs_say_what_they_can_not(
    tmp_path: Path, write: Any, name: str
) -> None:
    rows = [["Sweep of a day", "", ""], ["Serial", "Vbr (V)", "I (A)"]]
    rows += [[f"A-{n}", 51.0 + n / 8, 1e-9] for n in range(20)]
    path = tmp_path / name
    write(path, rows, "IV")
    source = open_source(path)
    (chunk,) = source.chunks()
    assert chunk.rows.tolist() == list(range(3, 23))
    assert chunk.cells[1].to_pylist()[:2] == ["51", "51.125"]
    assert source.sheets == ["IV"]
    assert "1 lines of remarks before the table are left out." in source.notes
    assert any("00071 comes as 71" in note for note in source.notes)
    with pytest.raises(TableError, match="no sheet “B”; there are: IV"):
        open_source(path, Reading(sheet="B"))
    path.write_bytes(path.read_bytes()[: len(path.read_bytes()) // 2])
    with pytest.raises(TableError):
        list(open_source(path).chunks())


def test_parquet_s_numbers_keep_their_type_and_rows_count_from_the_second(tmp_path: Path) -> None:
    table = pa.table(
        {
            "Serial": pa.array(["A-1", "A-2", None]).dictionary_encode(),
            "n": pa.array([1, 2, None], pa.int16()),
            "V (V)": pa.array([1.5, None, 2.5]),
            "day": pa.array([dt.date(2026, 11, 28)] * 3),
            "fixed": pa.array([1, 2, 3]).cast(pa.decimal128(20, 1)),
        }
    )
    path = tmp_path / "a.parquet"
    pq.write_table(table, path, row_group_size=2)
    source = open_source(path)
    assert [(one.name, one.unit) for one in source.columns][2] == ("V", "V")
    chunks = list(source.chunks())
    assert np.concatenate([one.rows for one in chunks]).tolist() == [2, 3, 4]
    first = [one.to_pylist() for one in chunks[0].cells]
    assert first[0][:2] == ["A-1", "A-2"]
    assert first[1][:2] == [1, 2]
    assert first[3][0] == "2026-11-28"
    assert first[4][:2] == [1.0, 2.0]
    assert source.notes == ["Parquet file with 3 rows."]
    pq.write_table(pa.table({"a": pa.array([[1, 2]])}), path)
    with pytest.raises(TableError, match="lists or structures can't be read: a"):
        open_source(path)


def text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path


def test_lines_of_a_text_that_are_no_rows_are_told_five_and_then_counted(tmp_path: Path) -> None:
    lines = ["V (V),I (A)"]
    for n in range(8):
        lines += [f"{n}.5,1e-9", f"# remark {n}"]
    source = open_source(text(tmp_path / "a.csv", "\n".join(lines) + "\n"))
    (chunk,) = source.chunks()
    assert chunk.rows.tolist() == list(range(2, 17, 2))
    told = [note for note in source.notes if "no row of the table" in note]
    assert told[0] == "Row 3 is no row of the table and is left out: “# remark 0”."
    assert len(told) == 5
    assert "So are 3 more lines." in source.notes
    list(source.chunks())
    assert [note for note in source.notes if "no row of the table" in note] == told


def test_a_row_of_other_cells_is_a_fault_with_its_line(tmp_path: Path) -> None:
    lines = ["S,V (V),I (A)", "a,1.5,1e-9", "b,2.5,1e-9,7", "c,3.5", "d,4.5,1e-9,", "Mean of all",
             "e,5.5,1e-9"]  # fmt: skip
    source = open_source(text(tmp_path / "a.csv", "\n".join(lines) + "\n"))
    (chunk,) = source.chunks()
    assert chunk.rows.tolist() == [2, 5, 7]
    assert chunk.cells[0].to_pylist() == ["a", "d", "e"]
    assert [(one.row, one.what) for one in chunk.faults] == [
        (3, "4 cells, but there are 3 columns"),
        (4, "2 cells, but there are 3 columns"),
    ]
    assert any("Mean of all" in note for note in source.notes)


def test_a_quotation_mark_that_is_not_closed_is_told_at_its_row(tmp_path: Path) -> None:
    lines = ["S,V (V)", "a,1.5", '"b,2.5', "c,3.5", "d,4.5"]
    source = open_source(text(tmp_path / "a.csv", "\n".join(lines) + "\n"))
    (fault,) = (fault for one in source.chunks() for fault in one.faults)
    assert str(fault) == "row 3: a quotation mark is not closed: 2 more lines belong to this row"
    assert "Close it" in fault.remedy


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["V;I", "1,5;2,5", "2,5;3,5"], "Decimals stand after a comma."),
        (["V;I", "1,5;2.5", "2,5;3.5"], "Decimals stand after a comma in: V."),
        (["V;I", "1,234;2", "2,345;3"], "Thousands or decimals? 1,234 may be both in: V."),
        (["# Units: V, A", "V,I", "1.5,2.5", "2.5,3.5"], "Units by the remarks above the table: "
                                                        "“V” [V], “I” [A]."),
        (["1.5,2.5", "2.5,3.5"], "The first line is data: the columns have no names."),
        (["I", "2.5", "3.5"], "Only one column was found."),
        (["V|I", "1.5|2.5", "2.5|3.5"], "columns separated by vertical bar."),
        (["V I", "1.5   2.5", "2.5  3.5"], "columns separated by blanks."),
        (["V\tI", "1.5\t2.5", "2.5\t3.5"], "columns separated by tab."),
    ],
)  # fmt: skip
def test_how_a_text_was_understood_is_said(tmp_path: Path, lines: list[str], said: str) -> None:
    source = open_source(text(tmp_path / "a.csv", "\n".join(lines) + "\n"))
    assert any(said in note for note in source.notes), source.notes


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["V,I,T", *["1,5,2,5,3,5"] * 9], "commas separate columns and decimals alike"),
        (["V;I", *["1.5;2.5;3.5"] * 9], "2 headings and 3 cells in a row: which heading is whose"),
        (["", "  ", "# only remarks"], "The table is empty."),
    ],
)
def test_a_text_that_can_not_be_understood_says_what_to_do(
    tmp_path: Path, lines: list[str], said: str
) -> None:
    with pytest.raises(TableError, match=said):
        open_source(text(tmp_path / "a.csv", "\n".join(lines) + "\n"))


@pytest.mark.parametrize("word", ["N/A", "#N/A", "n.a.", "-", "not measured", "", "OL", "NaN"])
def test_devices_that_were_not_measured_are_rows_of_the_table_wherever_they_stand(
    tmp_path: Path, word: str
) -> None:
    rows = [f"A-{n},{word if n in (1, 2, 6) else 51.25}" for n in range(1, 8)]
    path = text(tmp_path / "a.csv", "\n".join(["Serial,Vbr (V)", *rows]) + "\n")
    assert [column.head for column in open_source(path).columns] == HEADS
    assert [row[0] for row in cells(path)] == [f"A-{n}" for n in range(1, 8)]
