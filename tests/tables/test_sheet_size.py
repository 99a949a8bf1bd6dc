"""What sheets of old formats claim is counted before it is held."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mppcqa.tables import TableError
from mppcqa.tables.opening import open_source
from mppcqa.tables.sheet_size import reach_of
from tests.tables import sheets
from tests.tables.sheets import write_ods, write_xls

ROWS = [["Voltage (V)", "Current (A)"], [50.0, 1e-9], [51.0, 2e-9]]


def test_cells_of_sheets_are_counted(tmp_path: Path) -> None:
    for write, name in ((write_xls, "a.xls"), (write_ods, "a.ods")):
        path = tmp_path / name
        write(path, ROWS)
        assert reach_of(path).cells == 6
        assert [chunk.rows.tolist() for chunk in open_source(path).chunks()] == [[2, 3]]


def test_a_cell_far_away_is_refused_before_all_are_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workbook = sheets._workbook

    def with_a_far_cell(rows: object, sheet: str) -> bytes:
        cell = struct.pack("<2H3Hd", 0x0203, 14, 65535, 255, 0, 5.0)
        return workbook(ROWS, sheet)[:-4] + cell + workbook(ROWS, sheet)[-4:]

    monkeypatch.setattr(sheets, "_workbook", with_a_far_cell)
    path = tmp_path / "far.xls"
    write_xls(path, ROWS)
    assert reach_of(path).cells == 65536 * 256
    with pytest.raises(TableError, match="far below or beside"):
        open_source(path)


@pytest.mark.parametrize(("value", "cells"), [("", 6), (' office:value="1"', 2**20 * 1024)])
def test_rows_that_stand_for_many_count_only_where_they_hold_something(
    tmp_path: Path, value: str, cells: int
) -> None:
    path = tmp_path / "a.ods"
    write_ods(path, ROWS)
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    rest = (
        f'<table:table-row table:number-rows-repeated="{2**20 - 3}"><table:table-cell'
        f'{value} table:number-columns-repeated="1024"/></table:table-row></table:table>'
    )
    parts["content.xml"] = parts["content.xml"].replace(b"</table:table>", rest.encode())
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert reach_of(path).cells == cells
    if value:
        with pytest.raises(TableError, match="far below or beside"):
            open_source(path)
    else:
        assert sum(len(chunk) for chunk in open_source(path).chunks()) == 2


def test_a_workbook_that_lacks_bytes_or_holds_next_to_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "iv.xls"
    write_xls(path, [ROWS[0], *([50 + n / 100, 1e-9] for n in range(200))])
    data = path.read_bytes()
    path.write_bytes(data[:3000] + data[3036:])  # two records of numbers
    with pytest.raises(TableError, match="lacks bytes"):
        open_source(path)
    write_ods(path, [*ROWS, *([] for _ in range(30_000)), ["" for _ in range(9)] + [1.0]])
    with pytest.raises(TableError, match="far below or beside"):
        open_source(path)


@given(st.integers(0, 199), st.integers(0, 17), st.binary(min_size=1, max_size=40))
def test_bytes_that_slipped_into_a_workbook_are_refused(
    tmp_path_factory: pytest.TempPathFactory, row: int, inside: int, more: bytes
) -> None:
    """The reader would take the rows before them for all, and the number they hit for good."""
    path = tmp_path_factory.mktemp("slipped") / "iv.xls"
    write_xls(path, [ROWS[0], *([50 + n / 100, 1e-9] for n in range(200))])
    data = path.read_bytes()
    at = data.find(struct.pack("<d", 50 + row / 100)) - 10 + inside
    path.write_bytes(data[:at] + more + data[at:])
    with pytest.raises(TableError, match=r"lacks bytes|damaged"):
        open_source(path)
