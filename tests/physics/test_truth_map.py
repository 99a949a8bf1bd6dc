"""The map of validity says of each trouble what is withheld and how far values are off."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import truth_map
from benchmarks.truth import off_by, refused
from benchmarks.truth_cases import KINDS, TROUBLES, Case

DOCS = Path(__file__).parents[2] / "docs" / "physics.md"


def _cases() -> list[Case]:
    """Gains of 1 % too much with 1 % stated, of dark spectra; half with bursts have none."""
    cases = []
    for i in range(40):
        troubles = () if i % 2 else ("noise bursts",)
        one = Case(i, "dark", troubles, 0, {"gain": (50.0, 50.0)}, {})
        if i % 4:
            one.found["gain"] = 50.5, 0.5
        cases.append(one)
    return cases


def test_a_row_has_what_is_withheld_how_far_off_and_how_many_within() -> None:
    lines = truth_map.table("dark", _cases(), off_by=off_by, refused=refused).split("\n")
    rows = {line.split("|")[1].strip(): line for line in lines}
    assert rows["none"] == "| none | 20 | 0 % | 1 % (100) | - | - |"
    assert rows["noise bursts"] == "| noise bursts | 20 | 50 % | 1 % (100) | - | - |"
    assert set(rows) <= {"trouble", "---", "none", *TROUBLES["dark"]}


def test_the_map_goes_between_its_marks_and_nowhere_else(tmp_path: Path) -> None:
    path = tmp_path / "physics.md"
    path.write_text(f"before\n\n{truth_map.BEGIN}\nold\n{truth_map.END}\n\nafter\n")
    truth_map.write(path, _cases(), "make bench", off_by=off_by, refused=refused)
    text = path.read_text()
    assert text.startswith("before\n\n")
    assert text.endswith(f"{truth_map.END}\n\nafter\n")
    assert "old" not in text
    assert "`make bench`" in text
    path.write_text("no marks")
    with pytest.raises(ValueError, match="has no map"):
        truth_map.write(path, [], "make bench", off_by=off_by, refused=refused)


def test_the_documentation_has_a_map_of_every_kind_and_trouble() -> None:
    _, _, found = DOCS.read_text(encoding="utf-8").partition(truth_map.BEGIN)
    found, end, _ = found.partition(truth_map.END)
    assert end
    parts = found.split("### ")[1:]
    assert len(parts) == len(dict.fromkeys(KINDS))
    for kind, part in zip(dict.fromkeys(KINDS), parts, strict=True):
        assert part.startswith(truth_map.TITLES[kind])
        rows = [line.split("|")[1].strip() for line in part.split("\n") if line.startswith("| ")]
        assert rows[1:] == ["none", *TROUBLES[kind]]
