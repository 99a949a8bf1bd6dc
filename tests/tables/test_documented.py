"""The table of formats in the documentation names each reader, and examples that are there."""

from __future__ import annotations

import re
from pathlib import Path

from mppcqa.tables.formats import OWN
from tests.tables.families import FAMILIES, OF_ROWS

ROOT = Path(__file__).parents[2]


def rows() -> list[list[str]]:
    text = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
    table = text.partition("|---|---|---|---|---|\n")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]


def test_each_reader_has_its_row() -> None:
    named = {key for row in rows() for key in re.findall("`([a-z0-9_]+)`", row[1])}
    assert named == {"table", *(one.key for one in OWN)}
    assert all(len(row) == 5 and row[0] and row[2] for row in rows())


def test_each_example_is_there() -> None:
    for row in rows():
        folder = Path()
        for place in re.findall("`(tests/[^`]+|test_[^`]+)`", row[3]):
            path = Path(place) if "/" in place else folder / place
            folder = path.parent
            assert (ROOT / path).exists(), (row[0], place)


def test_each_row_has_files_that_are_mutated() -> None:
    named = [family for families in OF_ROWS.values() for family in families]
    assert sorted(named) == sorted(family.name for family in FAMILIES)
    begun = [
        max((begin for begin in OF_ROWS if row[0].startswith(begin)), key=len, default=row[0])
        for row in rows()
    ]
    assert begun == list(OF_ROWS)
