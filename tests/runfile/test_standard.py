"""docs/run-file.md, by which others write files, says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mppcqa.runfile._documents import meta_faults, meta_schema
from mppcqa.runfile.layout import INDEX, TREES, VERSION
from tests.runfile.make import META

PAGE = (Path(__file__).parents[2] / "docs" / "run-file.md").read_text(encoding="utf-8")
KINDS = {"I": "int32", "L": "int64", "F": "float32", "D": "float64", "S": "int16"}


def section(title: str) -> str:
    found = re.search(rf"^### {title}$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1]


def rows(text: str) -> list[list[str]]:
    """Cells of the first table of a text, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


@pytest.mark.parametrize("tree", [name for name in TREES if name != INDEX])
def test_the_branches_are_those_of_the_layout(tree: str) -> None:
    said = {}
    for names, kind, what, *rest in rows(section(tree)):
        letter, per_entry = re.fullmatch(r"(\w)(?:\[(\w+)\])?", kind).groups(default="")
        for name in re.findall(r"`(\w+)`", names):
            required = rest == ["yes"] if rest else True
            said[name] = (KINDS[letter], per_entry, required, "NaN" not in what)
    assert said == {
        branch.name: (branch.kind, branch.per_entry, branch.required, branch.finite)
        for branch in TREES[tree].branches
    }


def test_every_tree_has_a_row() -> None:
    table = PAGE.partition(f"## run.root, layout {VERSION}")[2].partition("###")[0]
    trees = {cells[0].strip("`") for cells in rows(table) if cells[1] == "tree"}
    assert trees == set(TREES)


def test_the_keys_of_meta_are_those_of_its_schema() -> None:
    said, needed = set(), set()
    for names, _what, required in rows(section("meta")):
        found = re.findall(r"`(\w+)`", names)
        said |= set(found)
        # `ended` stands beside `started`, which alone is needed.
        needed |= set(found if required == "yes" else re.findall(r"`(started)`", required))
    schema = meta_schema()
    assert said == set(schema["properties"])
    assert needed == set(schema["required"])


def test_columns_of_a_slot_have_one_number_each() -> None:
    meta = {**META, "layout": VERSION}
    assert meta_faults(meta) == []
    first, second = META["slots"]
    wrong = {**meta, "slots": [{**first, "channel_numbers": [4, 5]}, second]}
    (fault,) = meta_faults(wrong)
    assert "has 2 numbers for 4 channels" in str(fault)
    assert "slots/0/channel_numbers" in str(fault)
