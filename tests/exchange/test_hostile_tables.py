"""Tables that would fill the memory, hang, or lose rows without a word."""

from __future__ import annotations

import io
import resource
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from mppcqa.exchange import imports
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import Device, DeviceType, Lot, Tray
from mppcqa.results.models import Measurement
from mppcqa.tables import TableError
from tests.exchange.test_imports import bring, excel, parquet, told

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture
def singles(db: None) -> list[Device]:
    DeviceType.objects.create(name="single", rows=1, columns=1)
    return register_devices([{"serial": f"A-{n}", "device_type": "single"} for n in range(5)])


def changed(part: str, change: Callable[[bytes], bytes], noise: bytes = b"") -> bytes:
    """A small good workbook with one part of it changed."""
    book = zipfile.ZipFile(io.BytesIO(excel([["serial", "V_br,IV"], ["A-0", 51], ["A-1", 52]])))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in book.namelist():
            content = book.read(name)
            archive.writestr(name, change(content) if name == part else content)
        archive.writestr("xl/media/noise.bin", noise)
    return target.getvalue()


def more_rows(text: bytes, times: int) -> Callable[[bytes], bytes]:
    """Adds a row of so many cells to a sheet."""
    return lambda sheet: sheet.replace(
        b"</sheetData>", b"<row>" + text * times + b"</row></sheetData>"
    )


@contextmanager
def little_memory(more: int) -> Iterator[None]:
    """What needs more memory than there is now and `more` bytes gets a `MemoryError`."""
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    former = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + more, former[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, former)


BOMBS = {
    "one row": (SHEET, more_rows(b"<c/>", 50_000_000)),
    "comments": (SHEET, more_rows(b"<c/><!--<row>-->", 5_000_000)),
    "styles": ("xl/styles.xml", lambda x: x.replace(b"<cellXfs", b"<xf/>" * 9_000_000)),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_workbook_that_would_fill_the_memory_is_refused(db: None, name: str) -> None:
    data = changed(*BOMBS[name], noise=np.random.default_rng(1).bytes(3_000_000))
    with little_memory(500 << 20), pytest.raises(TableError, match=r"too long|unpack"):
        imports.take_in([data], "table", kind="devices")


def test_cells_far_to_the_right_cost_nothing(singles: list[Device]) -> None:
    """Each such row is 16,384 cells to the reader, 130 kB."""
    far = b"".join(b'<row r="%d"><c r="XFD%d"><v>1</v></c></row>' % (n, n) for n in range(4, 9000))
    data = changed(SHEET, lambda x: x.replace(b"</sheetData>", far + b"</sheetData>"))
    with little_memory(600 << 20):
        row = bring(data)
    assert "16384 columns" in told(row)


def test_rows_beyond_the_size_that_a_sheet_states_are_read(singles: list[Device]) -> None:
    data = changed(SHEET, lambda x: x.replace(b'<dimension ref="A1:B3"', b'<dimension ref="A1:B2"'))
    assert b"A1:B2" in zipfile.ZipFile(io.BytesIO(data)).read(SHEET)
    row = bring(data)
    assert (row.faults, row.found["counts"]["values"]) == (0, 2)


@pytest.mark.parametrize(
    "column",
    [
        pa.array([0.0, 1e300]),
        pa.array([0.0, float("inf"), float("nan"), None]),
        pa.array([1.0, 2.0]).cast(pa.float16()),
        pa.array(["A-0", "A-9"], pa.large_string()),
        pa.array(["A-0", "A-9"]).dictionary_encode(),
        pa.array([True, False]),
        pa.nulls(2),
    ],
    ids=lambda column: str(column.type)[:12],
)
def test_serials_of_any_type_are_told(singles: list[Device], column: pa.Array) -> None:
    row = bring(parquet(serial=column, **{"V_br,IV": [51.0] * len(column)}))
    assert row.faults


def test_small_floats_are_values(singles: list[Device]) -> None:
    values = pa.array([51.5, 52.0]).cast(pa.float16())
    row = bring(parquet(serial=["A-0", "A-1"], **{"V_br,IV": values}))
    assert row.faults == 0, told(row)


def test_a_point_among_decimal_commas_is_no_number(singles: list[Device]) -> None:
    """In such a table 12.345 may mean twelve thousand."""
    row = bring("serial;V_br,IV\nA-0;51,25\nA-1;51,5\nA-2;12.345\nA-3;1.234,5\n")
    assert [line.split(",")[0] for line in told(row).splitlines()[1:]] == ["4", "5"]
    assert "12.345" in told(row)
    assert "1234.5 V lies outside" in told(row)
    grouped = bring("serial;I_dark(+4 V) [nA]\nA-0;1.234,5\nA-1;12.345\n")
    assert grouped.faults == 1
    assert "after a comma" in told(grouped)


def test_an_open_quotation_mark_is_told_with_the_lines_that_it_swallows(
    singles: list[Device],
) -> None:
    row = bring('serial;V_br,IV\nA-0;51\n"A-1;51\nA-2;51\nA-3;51\n')
    assert "quotation mark is not closed: 2 more lines" in told(row)


@pytest.mark.parametrize("form", ["csv", "excel"])
def test_titles_above_the_names_are_left_out(singles: list[Device], form: str) -> None:
    head = ["serial", "V_br,IV", "remark"]
    rows = [["Campaign of 2026"], [], ["second batch"], head, ["A-0", 51.5, ""], ["A-9", 51, ""]]
    text = "\n".join(";".join(map(str, row)) for row in rows)
    row = bring(excel(rows) if form == "excel" else text)
    assert row.found["counts"]["values"] == 1
    assert [line.split(",")[0] for line in told(row).splitlines()[1:]] == ["6"]
    assert any("3 lines of remarks" in note for note in row.found["notes"])


def test_a_list_of_serials_has_no_title(singles: list[Device]) -> None:
    rows = [["B-1"], ["B-2"], ["B-3", "broken?"]]
    assert "to the right" in told(bring(excel(rows), stage=""))
    assert bring("serial\nB-1\nB-2\n", stage="").found["counts"]["new"] == 2


def test_merged_serials_say_what_is_wrong_with_them(singles: list[Device]) -> None:
    row = bring(excel([["serial", "V_br,IV"], ["A-0", 51], [None, 52]]))
    assert row.faults == 1
    assert "merged cells" in told(row)


def test_a_table_without_rows_imports_nothing(singles: list[Device]) -> None:
    for text, stage in (("serial;V_br,IV\n", "tray_survey"), ("serial,type\n", "")):
        row = bring(text, stage=stage)
        assert "no rows" in told(row)
        with pytest.raises(imports.ImportRefused):
            imports.apply(row)


def test_a_web_page_is_no_table(db: None) -> None:
    with pytest.raises(TableError, match="web page"):
        imports.take_in([b"<html><table><tr><td>serial</td></tr></table>"], "t.xls", kind="devices")


def test_a_line_without_end_is_no_table(singles: list[Device]) -> None:
    row = bring(b"serial,type\n" + b"A" * 20_000_000 + b",single\n", stage="")
    assert "a line of more than 8 MB" in told(row)


@pytest.mark.parametrize(
    ("head", "cells", "why"),
    [
        ("row,column", "1,1", "needs the name of a tray"),
        ("tray,row", "T-1,1", "needs a row and a column"),
        ("tray,row,column", f"T-1,{'9' * 5000},0", "is no position"),
        ("tray,row,column", "T-1,99999999999,0", "is no position"),
        ("lot", "L" * 300, "more than 100 characters"),
        ("module", "B-8", "is not registered"),
    ],
)
def test_a_device_that_no_database_could_hold(
    singles: list[Device], head: str, cells: str, why: str
) -> None:
    Tray.objects.create(name="T-1", rows=2, columns=2)
    row = bring(
        f"serial,type,{head}\nB-1,single,{cells}\nB-2,single{',' * (head.count(',') + 1)}\n",
        stage="",
    )
    assert why in told(row)
    assert row.faults == 1
    row.leave_out = True
    row.save()
    imports.apply(row)
    assert Device.objects.filter(serial="B-2").exists()
    assert not Lot.objects.filter(name__startswith="LL").exists()


def test_an_update_makes_no_device_a_part_of_itself(singles: list[Device]) -> None:
    imports.apply(bring("serial,type,module\nA-1,,A-0\nA-2,,A-1\n", stage="", existing="update"))
    row: Any = bring("serial,type,module\nA-0,,A-2\nA-3,,A-3\n", stage="", existing="update")
    assert told(row).count("part of itself") == 2
    assert not Measurement.objects.exists()
