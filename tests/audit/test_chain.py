"""The chain: what is sealed holds, and the first link that somebody touched is named."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat

from mppcqa.audit import anchors, chain
from mppcqa.audit.models import Entry, Waiting
from mppcqa.audit.triggers import NAME, make_triggers
from mppcqa.inventory.models import Maker

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def files(settings: Any, tmp_path: Path) -> list[Path]:
    settings.MPPCQA_HOME = tmp_path
    settings.MPPCQA_AUDIT_ANCHORS = str(tmp_path / "other" / "anchors.jsonl")
    (tmp_path / "other").mkdir()
    anchors._days.clear()
    return [tmp_path / anchors.FILE, tmp_path / "other" / "anchors.jsonl"]


@pytest.fixture
def sealed() -> int:
    for number in range(5):
        Maker.objects.create(name=f"maker {number}")
    chain.seal()
    return Entry.objects.count()


@pytest.fixture
def tamper() -> Any:
    """SQL past the guards, as by who owns the database."""

    def run(sql: str) -> None:
        with connection.cursor() as cursor:
            for verb in "ud":
                cursor.execute(f"DROP TRIGGER IF EXISTS {NAME}audit_entry_{verb}")
            cursor.execute(sql)
        make_triggers()

    yield run
    if connection.vendor != "sqlite":  # triggers there are made and dropped at once
        make_triggers()


def test_what_waits_is_chained_once_and_holds(sealed: int, files: list[Path]) -> None:
    assert sealed >= 5
    assert Waiting.objects.count() == 0
    Maker.objects.update(name=Concat("name", Value(" Ltd")))
    assert chain.seal() == 5
    assert chain.seal() == 0
    found = chain.verify()
    assert (found.holds, found.entries, found.waiting) == (True, sealed + 5, 0)
    assert found.anchors == 2
    for path in files:
        (line,) = path.read_text().splitlines()
        assert json.loads(line)["entry"] == sealed
        assert path.stat().st_mode & 0o777 == 0o600


CHANGES = {
    "a text": "UPDATE audit_entry SET after = '{{}}' WHERE id = {middle}",
    "who": "UPDATE audit_entry SET who = 99 WHERE id = {middle}",
    "a moment": "UPDATE audit_entry SET at = '2020-01-01 00:00:00' WHERE id = {middle}",
    "the end": "DELETE FROM audit_entry WHERE id > {middle}",
    "an entry": "DELETE FROM audit_entry WHERE id = {middle}",
}


@pytest.mark.parametrize("change", sorted(set(CHANGES) - {"the end"}))
@pytest.mark.django_db(transaction=True)
def test_the_first_link_that_was_touched_is_named(
    change: str, sealed: int, tamper: Callable[[str], None]
) -> None:
    middle = sealed - 2
    tamper(CHANGES[change].format(middle=middle))
    found = chain.verify()
    assert not found.holds
    assert found.broken.startswith(f"entry {middle} ")
    assert ("is missing" in found.broken) == (change == "an entry")
    from mppcqa.cli.audit import audit

    told = CliRunner().invoke(audit, ["verify"])
    assert told.exit_code == 1
    assert f"first broken link: entry {middle} " in told.output


@pytest.mark.django_db(transaction=True)
def test_a_chain_that_was_written_anew_is_found_by_its_anchors(
    sealed: int, tamper: Callable[[str], None]
) -> None:
    rows = list(Entry.objects.order_by("pk"))
    tamper("DELETE FROM audit_entry")
    rows[1].after, before = '{"name": "forged"}', chain.START
    for row in rows:
        row.hash = before = chain.link(before, row.pk, row)
    Entry.objects.bulk_create(rows)
    found = chain.verify()
    assert found.broken == ""
    assert len(found.faults) == 2
    assert all("was written anew" in fault for fault in found.faults)
    tamper(CHANGES["the end"].format(middle=sealed - 2))
    assert all("is not there" in fault for fault in chain.verify().faults)


def test_the_chain_is_anchored_once_a_day(sealed: int, files: list[Path]) -> None:
    last = Entry.objects.order_by("-pk")[0]
    assert anchors.anchor(last) == 0
    tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
    assert anchors.anchor(last, now=tomorrow) == 2
    assert anchors.anchor(last, now=tomorrow) == 0
    assert len(files[0].read_text().splitlines()) == 2


def test_a_restore_is_no_forgery(sealed: int) -> None:
    for number in range(3):
        Maker.objects.create(name=f"later {number}")
    chain.seal()
    anchors.anchor(Entry.objects.order_by("-pk")[0], again=True)
    anchors.note_restored(sealed, "2026-11-29")
    wanted, notes = anchors.wanted()
    assert set(wanted) == {sealed}
    assert len(notes) == 2
