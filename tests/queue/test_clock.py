"""Schedules by the laboratory's clock: over both its changes, once each, and once only."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from zoneinfo import ZoneInfo

import pytest
from celery import current_app
from celery.schedules import crontab
from django.contrib.auth.models import User
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

import tests.queue.routines  # noqa: F401
from mppcqa.queue import clock
from mppcqa.queue.models import State, Task
from mppcqa.queue.scheduler import Entry, Scheduler
from mppcqa.queue.schedules import add, ask, change, next_run, switch, tasks_of, timing
from mppcqa.queue.transitions import move
from mppcqa.refused import Refused

MADRID, SANTIAGO, KOLKATA = (
    ZoneInfo(name) for name in ("Europe/Madrid", "America/Santiago", "Asia/Kolkata")
)
At = Callable[[str], None]


def due(line: str, where: ZoneInfo, after: str, n: int) -> list[str]:
    """The next `n` moments in UTC."""
    minute, hour, day, month, weekday = line.split()
    tab = crontab(minute, hour, weekday, day, month)
    found, when = [], dt.datetime.fromisoformat(after).replace(tzinfo=dt.UTC)
    for _ in range(n):
        later = clock.next_due(tab, where, when)
        assert later is not None
        when = later
        found.append(f"{when:%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("line", "where", "after", "moments"),
    [
        # Summer time begins on 28 March 2027 at 02:00: 02:30 is an hour late that day.
        ("30 2 * * *", MADRID, "2027-03-27", ["03-27 01:30", "03-28 01:30", "03-29 00:30"]),
        # It ends on 31 October at 03:00: 02:30 comes twice, and counts once.
        ("30 2 * * *", MADRID, "2027-10-30 01:00", ["10-31 00:30", "11-01 01:30"]),
        ("30 2 * * *", MADRID, "2027-10-31 00:30", ["11-01 01:30", "11-02 01:30"]),
        # Each hour goes on through the one that comes twice, and over the one that is left out.
        ("0 * * * *", MADRID, "2027-10-30 23:30", ["10-31 00:00", "10-31 01:00", "10-31 02:00"]),
        ("30 * * * *", MADRID, "2027-03-28 00:00", ["03-28 00:30", "03-28 01:30", "03-28 02:30"]),
        # South of the equator, at midnight: 24:00 of 3 April 2027, and of 4 September.
        ("30 23 * * *", SANTIAGO, "2027-04-03", ["04-03 02:30", "04-04 02:30", "04-05 03:30"]),
        ("15 0 * * *", SANTIAGO, "2027-09-04 12:00", ["09-05 04:15", "09-06 03:15"]),
        # Half hours, days of the week, and the day that comes every fourth year.
        ("0 2 * * 1-5", KOLKATA, "2027-01-01", ["01-03 20:30", "01-04 20:30"]),
        ("0 12 29 2 *", MADRID, "2027-01-01", ["02-29 11:00"]),
    ],
)
def test_a_crontab_line_is_due_by_the_clock_of_its_place(
    line: str, where: ZoneInfo, after: str, moments: list[str]
) -> None:
    assert due(line, where, after, len(moments)) == moments


def test_a_time_that_the_clock_jumps_over_is_refused_and_one_that_comes_twice_is_the_first() -> (
    None
):
    with pytest.raises(Refused, match="does not exist in Europe/Madrid"):
        clock.moment_of(dt.date(2027, 3, 28), dt.time(2, 30), MADRID)
    twice = clock.moment_of(dt.date(2027, 10, 31), dt.time(2, 30), MADRID)
    assert f"{twice:%H:%M}" == "00:30"
    assert clock.local(twice, MADRID) == "2027-10-31 02:30 CEST"


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> At:
    """Sets the time that the scheduler goes by."""

    def put(text: str) -> None:
        moment = dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)
        monkeypatch.setattr(timezone, "now", lambda: moment)

    return put


def tick(name: str) -> bool:
    """One look of a scheduler at a schedule, as it is stored; whether it found it due."""
    entry = Entry(PeriodicTask.objects.get(name=name), app=current_app)
    is_due, _later = entry.is_due()
    if is_due:
        scheduler = Scheduler(app=current_app, lazy=True)
        scheduler.reserve(entry)
        scheduler.apply_entry(entry)
    return bool(is_due)


@pytest.mark.django_db
def test_a_nightly_schedule_asks_once_a_night_over_both_changes(at: At, operator: User) -> None:
    clock.set_zone("Europe/Madrid")
    at("2027-03-27 00:00")
    made = add(
        "test.add", timing(crontab="30 2 * * *"), {"a": 1, "b": 2}, description="x", by=operator
    )
    asked = []
    for first in ("2027-03-27", "2027-10-30"):
        day = dt.datetime.fromisoformat(first)
        PeriodicTask.objects.update(date_changed=day.replace(tzinfo=dt.UTC), last_run_at=None)
        for step in range(3 * 24 * 4):  # every quarter of an hour for three days
            moment = day + dt.timedelta(minutes=15 * step)
            at(moment.isoformat())
            if tick(made.name):
                asked.append(f"{moment:%m-%d %H:%M}")
                move(Task.objects.latest("id"), State.QUEUED, State.KILLED)
    assert asked == [
        *("03-27 01:30", "03-28 01:30", "03-29 00:30"),
        *("10-30 00:30", "10-31 00:30", "11-01 01:30"),
    ]
    made.refresh_from_db()
    assert made.total_run_count == 6
    task = tasks_of(made)[0]
    assert (task.requested_by, task.arguments) == (operator, {"a": 1, "b": 2})
    assert tasks_of(made).count() == 6


@pytest.mark.django_db
def test_what_is_due_once_runs_once_and_then_is_over(at: At) -> None:
    at("2027-05-01 00:00")
    moment = dt.datetime(2027, 5, 2, tzinfo=dt.UTC)
    made = add("test.add", timing(at=moment), {"a": 1, "b": 2})
    assert next_run(made) == moment
    PeriodicTask.objects.filter(pk=made.pk).update(last_run_at=None)
    # Two schedulers at once, and one that comes later.
    past = timezone.now() - dt.timedelta(days=900)
    change(made, timing(at=past))
    entries = [Entry(PeriodicTask.objects.get(pk=made.pk), app=current_app) for _ in range(2)]
    for entry in entries:
        assert entry.is_due()[0]
        Scheduler(app=current_app, lazy=True).apply_entry(entry)
    assert not tick(made.name)
    made.refresh_from_db()
    assert (made.enabled, made.total_run_count, next_run(made)) == (False, 1, None)
    assert tasks_of(made).count() == 1
    # Meant anew for another night.
    change(made, timing(at=moment + dt.timedelta(days=1)))
    assert PeriodicTask.objects.get(pk=made.pk).enabled
    assert next_run(made) == moment + dt.timedelta(days=1)


@pytest.mark.django_db
def test_a_database_that_is_away_loses_no_night(at: At, monkeypatch: pytest.MonkeyPatch) -> None:
    at("2027-05-01 00:00")
    made = add("test.add", timing(crontab="0 2 * * *"), {"a": 1, "b": 2})
    PeriodicTask.objects.update(date_changed=timezone.now())
    at("2027-05-01 02:01")

    def away(schedule: PeriodicTask) -> None:
        raise ConnectionError("the database is away")

    monkeypatch.setattr("mppcqa.queue.scheduler.ask", away)
    assert tick(made.name)
    assert not tasks_of(made).exists()
    monkeypatch.undo()
    at_now = dt.datetime(2027, 5, 1, 2, 6, tzinfo=dt.UTC)
    monkeypatch.setattr(timezone, "now", lambda: at_now)
    assert tick(made.name)
    assert tasks_of(made).count() == 1


@pytest.mark.django_db
def test_what_was_missed_while_off_or_before_a_change_is_not_made_up_for(at: At) -> None:
    at("2027-05-01 00:00")
    made = add("test.add", timing(crontab="0 2 * * *"), {"a": 1, "b": 2})
    PeriodicTask.objects.update(date_changed=timezone.now())
    made.refresh_from_db()
    switch(made, on=False)
    at("2027-05-02 12:00")
    assert not tick(made.name)
    switch(made, on=True)
    assert not tick(made.name)
    change(made, timing(crontab="0 11 * * *"))
    assert not tick(made.name)
    at("2027-05-03 11:00")
    assert tick(made.name)


@pytest.mark.django_db
def test_the_clock_moves_all_schedules_and_wrong_names_are_refused() -> None:
    made = add("test.add", timing(crontab="0 2 * * *"), {"a": 1, "b": 2})
    clock.set_zone("America/Santiago")
    for row in PeriodicTask.objects.exclude(crontab=None):
        assert str(row.crontab.timezone) == "America/Santiago"
    made.refresh_from_db()
    due_at = next_run(made)
    assert due_at is not None
    assert f"{due_at.astimezone(SANTIAGO):%H:%M}" == "02:00"
    with pytest.raises(Refused, match="no time zone"):
        clock.set_zone("Moon/Base")
    assert clock.zone_name() == "America/Santiago"


@pytest.mark.django_db
def test_the_task_of_a_person_who_has_left_is_nobody_s(operator: User) -> None:
    made = add("test.add", timing(every_s=60), {"a": 1, "b": 2}, by=operator)
    User.objects.update(is_active=False)
    assert ask(made).requested_by is None
