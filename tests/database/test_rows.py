"""Rows of numbers go in whole or not at all, on either database, whatever their number."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection, transaction

from mppcqa.database import number_rows
from mppcqa.database.counting import count_to
from mppcqa.database.identity import uuid7
from mppcqa.database.number_rows import add_to_rows, insert_rows
from mppcqa.database.ready import is_ready
from mppcqa.database.retry import DEADLOCK, LOCK_TIMEOUT, TIMES, again_after_deadlock
from mppcqa.inventory.models import Maker

pytestmark = pytest.mark.django_db
TABLE = "numbers_of_a_test"


@pytest.fixture
def table(db: None) -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE {TABLE} "
            "(a INTEGER NOT NULL, b INTEGER NOT NULL, value DOUBLE, n INTEGER NOT NULL, "
            "PRIMARY KEY (a, b))"
        )
    yield TABLE
    # Without the word MariaDB would end the transaction of the test.
    word = "" if connection.vendor == "sqlite" else "TEMPORARY"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP {word} TABLE {TABLE}")


def columns(rows: list[tuple[int, int, float, int]]) -> dict[str, Any]:
    a, b, value, n = (np.array(column) for column in zip(*rows, strict=True))
    return {"a": a.astype("i8"), "b": b.astype("i8"), "value": value.astype("f8"), "n": n}


def content() -> list[tuple[int, int, float | None, int]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT a, b, value, n FROM {TABLE} ORDER BY a, b")  # noqa: S608
        return [tuple(row) for row in cursor.fetchall()]


def numbered(many: int) -> dict[str, Any]:
    place = np.arange(many)
    return {"a": place // 7, "b": place % 7, "value": place / 8, "n": place * 3}


@pytest.mark.parametrize("many", [1, 248, 249, 250, 999, 1000, 2500])
def test_every_row_comes_in_once_whatever_their_number(table: str, many: int) -> None:
    insert_rows(table, numbered(many))
    found = content()
    assert len(found) == many
    assert found == [(n // 7, n % 7, n / 8, 3 * n) for n in range(many)]


def test_parts_of_a_large_number_of_rows_join(table: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(number_rows, "EXECUTE_ROWS", 500)
    monkeypatch.setattr(number_rows, "INSERT_ROWS", 300)
    monkeypatch.setattr(number_rows, "LOAD_FROM", 10**9)
    insert_rows(table, numbered(1234))
    assert content() == [(n // 7, n % 7, n / 8, 3 * n) for n in range(1234)]


def test_nothing_is_no_statement(table: str) -> None:
    nothing = {name: column[:0] for name, column in numbered(1).items()}
    insert_rows(table, nothing)
    add_to_rows(table, "a", nothing)
    assert content() == []


def test_what_is_no_number_is_null_and_what_is_no_column_of_numbers_is_refused(table: str) -> None:
    insert_rows(table, columns([(1, 1, math.nan, 5), (1, 2, 0.25, 6)]))
    assert content() == [(1, 1, None, 5), (1, 2, 0.25, 6)]
    words = {**columns([(2, 1, 1.0, 5)]), "n": np.array(["five"])}
    with pytest.raises(TypeError, match="holds no numbers"):
        insert_rows(table, words)


@pytest.mark.parametrize("many", [2, 1500])
def test_a_row_that_is_there_is_refused_with_all_the_others(table: str, many: int) -> None:
    insert_rows(table, columns([(0, 1, 9.0, 9)]))
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_rows(table, numbered(many))
    assert content() == [(0, 1, 9.0, 9)]


def test_a_row_that_is_there_is_replaced_or_added_to(table: str) -> None:
    insert_rows(table, columns([(1, 1, 1.0, 10), (1, 2, 2.0, 20)]))
    more = columns([(1, 2, 0.5, 5), (1, 3, 3.0, 30)])
    insert_rows(table, more, keys=("a", "b"), on_conflict="replace")
    assert content() == [(1, 1, 1.0, 10), (1, 2, 0.5, 5), (1, 3, 3.0, 30)]
    insert_rows(table, more, keys=("a", "b"), on_conflict="add")
    assert content() == [(1, 1, 1.0, 10), (1, 2, 1.0, 10), (1, 3, 6.0, 60)]


def test_many_rows_are_replaced_as_few_are(table: str) -> None:
    insert_rows(table, numbered(1500))
    changed = numbered(1600) | {"n": np.full(1600, 4)}
    insert_rows(table, changed, keys=("a", "b"), on_conflict="replace")
    assert [row[3] for row in content()] == [4] * 1600


def test_numbers_are_added_to_the_rows_of_a_key_and_to_no_others(table: str) -> None:
    insert_rows(table, columns([(1, 0, 1.0, 10), (2, 0, 2.0, 20), (3, 0, 3.0, 30)]))
    add_to_rows(
        table, "a", {"a": np.array([3, 1]), "value": np.array([0.5, 0.25]), "n": np.array([-5, 1])}
    )
    assert content() == [(1, 0, 1.25, 11), (2, 0, 2.0, 20), (3, 0, 3.5, 25)]


def test_a_number_too_large_for_its_column_is_refused_where_the_database_knows_its_size(
    table: str,
) -> None:
    if connection.vendor == "sqlite":
        # SQLite keeps whole numbers of 64 bits in any column.
        insert_rows(table, columns([(1, 1, 1.0, 2**40)]))
        assert content() == [(1, 1, 1.0, 2**40)]
        return
    for many in (1, 1500):
        with pytest.raises(DataError), transaction.atomic():
            insert_rows(table, numbered(many) | {"n": np.full(many, 2**40)})


def lost(code: int) -> OperationalError:
    return OperationalError(code, "lost")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("code", [DEADLOCK, LOCK_TIMEOUT])
def test_what_lost_a_deadlock_is_done_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    calls: list[int] = []

    @again_after_deadlock
    def action(add: int, *, twice: bool = False) -> int:
        calls.append(add)
        if len(calls) < 3:
            raise lost(code)
        return add * (2 if twice else 1)

    assert action(7, twice=True) == 14
    assert calls == [7, 7, 7]
    assert action.__name__ == "action"


@pytest.mark.django_db(transaction=True)
def test_it_is_not_done_for_ever_nor_after_another_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    calls: list[int] = []

    @again_after_deadlock
    def action(code: int | None) -> None:
        calls.append(1)
        raise OperationalError() if code is None else lost(code)

    with pytest.raises(OperationalError, match="lost"):
        action(DEADLOCK)
    assert len(calls) == TIMES
    for code in (2006, None):
        calls.clear()
        with pytest.raises(OperationalError):
            action(code)
        assert len(calls) == 1
    calls.clear()
    with pytest.raises(OperationalError), transaction.atomic():
        action(DEADLOCK)
    assert len(calls) == 1, "inside a transaction there is nothing to repeat"


def test_counting_stops_at_what_is_enough() -> None:
    Maker.objects.bulk_create(Maker(name=f"maker {n}") for n in range(5))
    there = Maker.objects.filter(name__startswith="maker ")
    assert [count_to(there, most) for most in (0, 3, 5, 9)] == [0, 3, 5, 5]
    assert count_to(Maker.objects.none(), 9) == 0
    assert count_to(Maker.objects.filter(pk__in=[]), 9) == 0


def test_names_of_rows_sort_by_when_they_were_made_and_say_what_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = []
    for moment in (1_700_000_000_000, 1_700_000_000_001, 1_900_000_000_000):
        monkeypatch.setattr("time.time_ns", lambda moment=moment: moment * 1_000_000)
        made += [uuid7(), uuid7()]
        assert all(one.int >> 80 == moment for one in made[-2:])
    assert [one.version for one in made] == [7] * 6
    assert {one.variant for one in made} == {"specified in RFC 4122"}
    assert len(set(made)) == 6
    assert made[1] < made[2] < made[4]


def test_a_database_that_lacks_a_migration_is_not_ready() -> None:
    assert is_ready()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'audit' AND name LIKE '0001%%'")
    assert not is_ready()
