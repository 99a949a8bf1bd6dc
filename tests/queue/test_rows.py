"""Who shares a row writes its own columns, and never what another has changed meanwhile."""

from __future__ import annotations

import html
import re
from typing import Any

import pytest
from celery import current_app
from django.contrib.auth.models import User
from django.db.models import Model
from django.db.models.signals import post_init
from django.test import Client
from django_celery_beat.models import PeriodicTask

from mppcqa.queue import models as queue_models
from mppcqa.queue import submit
from mppcqa.queue.models import Lane, Worker
from mppcqa.queue.rows import Row
from mppcqa.queue.scheduler import Entry, ask_due
from mppcqa.queue.schedules import timing

pytestmark = pytest.mark.django_db


@pytest.fixture
def schedule() -> PeriodicTask:
    return PeriodicTask.objects.create(
        name="nightly", task="mppcqa.queue.scheduled", kwargs="{}", **timing(every_s=3600)
    )


class Meanwhile:
    """Somebody else changes a row just after it was read, or at the end if it never was."""

    def __init__(self, row: Model, **change: Any) -> None:
        self.row, self.change = row, change

    def __enter__(self) -> None:
        post_init.connect(self._read, sender=type(self.row))

    def __exit__(self, *_: object) -> None:
        post_init.disconnect(self._read, sender=type(self.row))
        self._read(self.row)

    def _read(self, instance: Model, **_: Any) -> None:
        if instance.pk == self.row.pk and self.change:
            change, self.change = self.change, {}
            type(self.row)._default_manager.filter(pk=self.row.pk).update(**change)


def test_every_row_of_the_queue_refuses_to_be_saved_whole() -> None:
    for name in dir(queue_models):
        kind = getattr(queue_models, name)
        if isinstance(kind, type) and issubclass(kind, Model) and kind is not Row:
            assert issubclass(kind, Row), name
    worker = Worker.objects.create(name="h:1", host="h", process_id=1)
    Worker.objects.update(drain=True)
    with pytest.raises(TypeError, match="update_fields"):
        worker.save()
    worker.load = 0.5
    worker.save(update_fields=["load"])
    worker.refresh_from_db()
    assert (worker.drain, worker.load) == (True, 0.5)
    task = submit("queue.retention")
    with pytest.raises(TypeError, match="update_fields"):
        task.save()
    lane, _new = Lane.objects.update_or_create(name="station:a", defaults={"maintenance": "x"})
    assert lane.maintenance == "x"


def test_the_scheduler_does_not_switch_on_again_what_a_person_switched_off(
    schedule: PeriodicTask,
) -> None:
    for task in ("mppcqa.queue.scheduled", "mppcqa.queue.reap"):
        PeriodicTask.objects.filter(pk=schedule.pk).update(task=task, enabled=True)
        entry = Entry(PeriodicTask.objects.get(pk=schedule.pk), app=current_app)
        with Meanwhile(schedule, enabled=False):
            next(entry).save()
            ask_due(entry.model, entry.last_run_at)
        assert not PeriodicTask.objects.get(pk=schedule.pk).enabled


def test_the_scheduler_keeps_when_a_schedule_ran(schedule: PeriodicTask) -> None:
    PeriodicTask.objects.filter(pk=schedule.pk).update(task="mppcqa.queue.reap")
    entry = next(Entry(PeriodicTask.objects.get(pk=schedule.pk), app=current_app))
    entry.save()
    row = PeriodicTask.objects.get(pk=schedule.pk)
    assert (row.total_run_count, row.last_run_at) == (1, entry.model.last_run_at)


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("/schedules/{}/", {"number": "2", "unit": "h", "crontab": ""}),
        ("/schedules/{}/switch/", {}),
    ],
)
def test_a_person_who_changes_a_schedule_undoes_no_count(
    client: Client, operator: User, schedule: PeriodicTask, address: str, values: dict[str, str]
) -> None:
    client.force_login(operator)
    page = client.get(f"/schedules/{schedule.pk}/").content.decode()
    mark = re.search(r'name="opened" value="([^"]*)"', page)
    assert mark is not None
    sent = {**values, "opened": html.unescape(mark[1])}
    with Meanwhile(schedule, total_run_count=7):
        answer = client.post(address.format(schedule.pk), sent)
    assert answer.status_code == 302
    row = PeriodicTask.objects.get(pk=schedule.pk)
    assert row.total_run_count == 7
    assert (row.interval.every, row.enabled) in [(7200, True), (3600, False)]
