"""Who acts, from where and why; and whether anything changed since somebody looked."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from mppcqa.audit import chain, telling
from mppcqa.audit.models import Waiting
from mppcqa.audit.since import is_entered, mark
from mppcqa.audit.source import MOST, Source, acting, because, current
from mppcqa.audit.telling import number_of
from mppcqa.inventory.models import Device, Lot, Maker, Tray
from mppcqa.results.models import Measurement


def test_a_source_is_kept_without_what_it_does_not_say_and_never_too_long() -> None:
    assert Source().text() == "{}"
    assert json.loads(Source(7, "rosa", "a page", "moved").text()) == {
        "who": 7, "name": "rosa", "where": "a page", "why": "moved"
    }  # fmt: skip
    long = json.loads(Source(7, "ñ" * 300, why="w" * (MOST + 1)).text())
    assert (len(long["name"]), len(long["why"]), long["who"]) == (MOST, MOST, 7)
    assert "ñ" in Source(name="ñ").text(), "readable as it stands"


def test_inside_of_an_action_its_source_counts_and_after_it_the_former_one() -> None:
    outside = current()
    assert outside.where, "a command of this computer"
    assert outside.who is None
    with acting(Source(1, "rosa")):
        with acting(Source(2, "ana")), because("a test"):
            assert (current().who, current().why) == (2, "a test")
        assert (current().who, current().why) == (1, "")
        with because("first"):
            with because("second"):
                assert current().why == "second"
            assert current().why == "first"
    assert current() == outside


def test_a_source_that_is_asked_for_is_asked_when_something_is_written() -> None:
    people = iter((Source(1, "rosa"), Source(2, "ana")))
    with acting(lambda: next(people)):
        assert current().name == "rosa"
        assert current().name == "ana"


def test_an_action_that_fails_leaves_no_source_behind() -> None:
    outside = current()
    with pytest.raises(KeyError), acting(Source(1, "rosa")), because("a test"):
        raise KeyError
    assert current() == outside


def test_another_thread_does_not_act_for_who_acts_here() -> None:
    seen: list[Source] = []
    with acting(Source(1, "rosa")):
        thread = threading.Thread(target=lambda: seen.append(current()))
        thread.start()
        thread.join()
    assert seen[0].who is None


def test_numbers_of_texts_fit_where_sqlite_keeps_them_and_none_is_nobody() -> None:
    texts = [Source(n, f"person {n}").text() for n in range(2000)]
    numbers = [number_of(text) for text in texts]
    assert all(0 < one < 2**31 for one in numbers)
    assert len(set(numbers)) == len(set(texts))
    assert numbers == [number_of(text) for text in texts]


@pytest.mark.django_db
def test_each_row_of_one_transaction_has_the_source_of_its_own_moment() -> None:
    with acting(Source(1, "rosa")):
        Maker.objects.create(name="A")
        with acting(Source(2, "ana", why="a swap")):
            Maker.objects.create(name="B")
        Maker.objects.create(name="C")
    rows = Waiting.objects.filter(table="inventory_maker").order_by("-pk")[:3]
    told = [json.loads(one.source or "{}") for one in reversed(rows)]
    assert [one.get("name") for one in told] == ["rosa", "ana", "rosa"]
    assert [one.get("why") for one in told] == [None, "a swap", None]


@pytest.mark.django_db
def test_a_source_that_was_told_long_ago_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sealer removes old ones: who is told by an old one alone would be nobody."""
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("MariaDB's session keeps it")
    monkeypatch.setattr(telling, "FRESH_S", -1.0)
    with acting(Source(5, "iris")):
        Maker.objects.create(name="A")
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM audit_writer")
        Maker.objects.create(name="B")
    row = Waiting.objects.filter(table="inventory_maker").latest("pk")
    assert json.loads(row.source or "{}")["name"] == "iris"


@pytest.mark.django_db
def test_a_mark_holds_until_one_of_its_tables_changes() -> None:
    here = mark((Maker, Lot))
    assert here.holds()
    Tray.objects.create(name="T", rows=1, columns=1)
    assert here.holds(), "another table"
    maker = Maker.objects.create(name="A")
    assert not here.holds()
    after = mark((Maker, Lot))
    assert after.holds()
    Maker.objects.filter(pk=maker.pk).update(name="B")
    assert not after.holds()
    again = mark((Lot, Maker))
    maker.delete()
    assert not again.holds()


@pytest.mark.django_db
def test_sealing_changes_no_mark_and_hides_no_change() -> None:
    Maker.objects.create(name="A")
    here = mark((Maker,))
    chain.seal()
    assert here.holds(), "what waited has moved into the chain, and is counted once"
    Maker.objects.create(name="B")
    assert not here.holds()
    chain.seal()
    assert not here.holds(), "what is sealed by now came after all the same"
    sealed = mark((Maker,))
    assert sealed.entry > here.entry
    assert (sealed.changes, sealed.holds()) == (0, True)


@pytest.mark.django_db
def test_whether_each_change_is_entered_is_known_of_each_table() -> None:
    assert is_entered((Maker, Device))
    assert is_entered(())
    # The values are appended to alone, and have hashes instead of entries.
    assert not is_entered((Maker, Measurement))


class Ended(Exception):
    """Of the last test."""


@pytest.mark.django_db(transaction=True)
def test_after_a_transaction_that_was_undone_the_next_row_has_its_source() -> None:
    from django.db import transaction

    def undone() -> None:
        with transaction.atomic():
            Maker.objects.create(name="A")
            raise Ended

    with acting(Source(5, "iris")):
        with pytest.raises(Ended):
            undone()
        Maker.objects.create(name="B")
    (row,) = Waiting.objects.filter(table="inventory_maker")
    told: dict[str, Any] = json.loads(row.source or "{}")
    assert told["name"] == "iris"
