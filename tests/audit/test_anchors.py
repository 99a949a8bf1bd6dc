"""Files outside of the database that hold the chain's end, day by day; and what they show."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from mppcqa.audit import anchors
from mppcqa.audit.anchors import Anchor, anchor, note_restored, wanted
from mppcqa.audit.chain import START, follow, link
from mppcqa.audit.models import Entry

MORNING = dt.datetime(2026, 3, 2, 8, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> list[Path]:
    settings.MPPCQA_HOME = tmp_path / "home"
    settings.MPPCQA_AUDIT_ANCHORS = str(tmp_path / "other.jsonl")
    settings.MPPCQA_HOME.mkdir()
    anchors._days.clear()
    return [tmp_path / "home" / anchors.FILE, tmp_path / "other.jsonl"]


def entry(number: int, text: str = "") -> Entry:
    return Entry(pk=number, hash=text or f"{number:064x}")


def made(n: int, *, spoiled: int = 0) -> list[Entry]:
    """A chain of so many links; the text of one was changed after it was sealed."""
    links, before = [], START
    for number in range(1, n + 1):
        row = Entry(
            pk=number, at=MORNING + dt.timedelta(hours=number), table="t", row=str(number),
            action="I", source='{"who": 7}', who=7, before=None, after=f'{{"n": {number}}}',
        )  # fmt: skip
        before = row.hash = link(before, number, row)
        links.append(row)
    if spoiled:
        links[spoiled - 1].after = "{}"
    return links


def test_a_day_has_one_anchor_in_each_file_and_the_next_another(files: list[Path]) -> None:
    assert anchor(entry(3), now=MORNING) == 2
    assert anchor(entry(4), now=MORNING + dt.timedelta(hours=12)) == 0
    assert anchor(entry(5), now=MORNING + dt.timedelta(days=1)) == 2
    assert anchor(entry(6), now=MORNING + dt.timedelta(days=1), again=True) == 2
    found, notes = wanted()
    assert notes == []
    assert sorted(found) == [3, 5, 6]
    assert found[3] == [Anchor("2026-03-02", 3, entry(3).hash, path) for path in files]


def test_a_program_that_begins_anew_knows_the_day_from_the_file(files: list[Path]) -> None:
    anchor(entry(3), now=MORNING)
    anchors._days.clear()
    assert anchor(entry(4), now=MORNING) == 0
    files[1].unlink()
    # A file that is gone is begun anew on the same day.
    assert anchor(entry(4), now=MORNING) == 1
    assert [one.path for one in wanted()[0][4]] == [files[1]]


def test_a_file_that_can_not_be_written_stops_nothing_and_is_tried_again(
    files: list[Path], settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    away = tmp_path / "not mounted" / "anchors.jsonl"
    settings.MPPCQA_AUDIT_ANCHORS = str(away)
    assert anchor(entry(3), now=MORNING) == 1
    assert f"the audit was not anchored in {away}" in caplog.text
    away.parent.mkdir()
    assert anchor(entry(4), now=MORNING) == 1
    assert sorted(wanted()[0]) == [3, 4]


def test_without_a_second_place_there_is_one_file(settings: Any, files: list[Path]) -> None:
    settings.MPPCQA_AUDIT_ANCHORS = ""
    assert anchors.places() == files[:1]
    assert wanted() == ({}, [])


@pytest.mark.parametrize("line", ["no JSON", "[1]", '{"day": "2026-03-02"}', '{"entry": "three"}',
                                  '{"entry": 3, "day": ""}'])  # fmt: skip
def test_a_line_that_is_no_anchor_is_told_and_the_others_count(
    files: list[Path], line: str
) -> None:
    anchor(entry(3), now=MORNING)
    with files[0].open("a") as file:
        file.write(f"{line}\n")
    anchor(entry(4), now=MORNING + dt.timedelta(days=1))
    found, notes = wanted()
    assert sorted(found) == [3, 4]
    assert notes == [f"line 2 of {files[0]} is no anchor"]


def test_after_a_restore_the_anchors_of_what_is_gone_count_no_more(files: list[Path]) -> None:
    for day, number in enumerate((3, 8, 9)):
        anchor(entry(number), now=MORNING + dt.timedelta(days=day))
    note_restored(8, "backup of Monday")
    anchor(entry(9, "f" * 64), now=MORNING + dt.timedelta(days=9))
    found, notes = wanted()
    assert [one.entry for one in found[8]] == [8, 8], "what the backup holds counts"
    assert {one.hash for one in found[9]} == {"f" * 64}, "of the new chain alone"
    assert len(notes) == 2
    assert "backup of Monday was restored, whose chain ends at entry 8; 1 later anchors" in notes[0]


def test_a_chain_that_holds_meets_its_anchors(files: list[Path]) -> None:
    links = made(7)
    anchor(links[3], now=MORNING)
    seen: list[int] = []
    found = follow([links[:3], links[3:]], wanted()[0], seen.append)
    assert (found.holds, found.entries, found.anchors) == (True, 7, 2)
    assert seen == [3, 7]
    empty = follow([], {})
    assert (empty.holds, empty.entries) == (True, 0)


def test_the_first_link_that_does_not_hold_is_named_whatever_comes_after() -> None:
    found = follow([made(7, spoiled=4)], {})
    assert not found.holds
    assert found.entries == 3
    assert found.broken == "entry 4 (2026-03-02 12:00:00 UTC, t 4) is not what was sealed"
    links = made(7)
    links[2].who = 8
    assert follow([links], {}).broken.startswith("entry 3 ")


@pytest.mark.parametrize(
    ("gone", "words"), [((3,), "entry 3 is missing"), ((3, 4, 5), "entry 3 to 5 is missing"),
                        ((1,), "entry 1 is missing")],
)  # fmt: skip
def test_links_that_are_gone_are_named(gone: tuple[int, ...], words: str) -> None:
    links = [one for one in made(7) if one.pk not in gone]
    found = follow([links], {})
    assert found.broken.startswith(f"{words}, before entry {gone[-1] + 1} (")


def test_a_chain_that_was_written_anew_or_cut_does_not_meet_its_anchors(
    files: list[Path],
) -> None:
    links = made(7)
    anchor(entry(5, "a" * 64), now=MORNING)
    anew = follow([links], wanted()[0])
    assert not anew.broken
    assert len(anew.faults) == 2, "one for each file"
    assert f"the anchor of 2026-03-02 in {files[0]} has another hash for entry 5" in anew.faults[0]
    cut = follow([links[:4]], wanted()[0])
    assert cut.faults == [
        f"entry 5, which the anchor of 2026-03-02 in {files[0]} names, is not there: the chain "
        "ends at 4"
    ]
    assert json.loads(files[0].read_text())["entry"] == 5


def test_each_thing_that_an_entry_says_is_in_its_hash() -> None:
    (row,) = made(1)
    hashes = {row.hash}
    changes: dict[str, Any] = {
        "at": MORNING, "source": None, "table": "u", "row": "2", "action": "U", "before": "{}",
        "after": None,
    }  # fmt: skip
    for name, value in changes.items():
        other = made(1)[0]
        setattr(other, name, value)
        hashes.add(link(START, 1, other))
    hashes |= {link("1" * 64, 1, row), link(START, 2, row)}
    assert len(hashes) == 3 + len(changes)
    row.at = row.at.astimezone(dt.timezone(dt.timedelta(hours=9)))
    assert link(START, 1, row) == row.hash, "a moment is the same in every zone"
