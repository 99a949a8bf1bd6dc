"""A disk that gets full: told early, then nothing new is begun, and what runs goes on."""

from __future__ import annotations

import re
import shutil
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mppcqa.queue import again, kill_group, resume, submit
from mppcqa.queue.dispatch import dispatch
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.models import Lane, Notice, State, Task, queue_name
from mppcqa.queue.obstacles import why_waiting
from mppcqa.queue.remote import claim
from mppcqa.queue.repeats import again_with
from mppcqa.queue.runner import work
from mppcqa.runs.actions import RunRefused, load_station, resume_run, start_run
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, Station
from mppcqa.runs.space import room
from tests.api.conftest import program_of
from tests.web.formfields import forms_of

QUICK = {"events": 400, "bias_v": [71.0, 71.6, 72.2]}


@pytest.fixture
def station(transactional_db: None, campaign: SimpleNamespace, operator: User) -> Station:
    found: Station = campaign.stations[1]
    load_station(found, {1: campaign.devices[0].serial}, by=operator)
    return found


def fill(settings: Any, percent: float = 100.0) -> None:
    """As far as the program can tell: no disk is as empty as that."""
    settings.MPPCQA_DISK_STOP_PERCENT = settings.MPPCQA_DISK_WARN_PERCENT = percent


def first_link(run: Run) -> None:
    """Measure, and nothing after it."""
    measured = measuring(run)
    work("test:1", [measured.served_by], lambda: not measured_open(measured))
    assert not measured_open(measured)


def measured_open(task: Task) -> bool:
    task.refresh_from_db()
    return task.is_open


def work_on(station: Station) -> None:
    """Until nothing that may begin is left."""
    dispatch()
    while work("test:1", [queue_name(station.lane), queue_name("work")], lambda: False):
        dispatch()


def states(run: Run) -> set[str]:
    return set(Task.objects.filter(group=run.task_group).values_list("state", flat=True))


def measuring(run: Run) -> Task:
    return Task.objects.filter(group=run.task_group).earliest("pk")


def test_no_run_is_begun_on_a_full_disk_and_what_runs_goes_on(
    station: Station, operator: User, settings: Any
) -> None:
    begun, second = (start_run(station, parameters=QUICK, by=operator) for _n in range(2))
    first_link(begun)
    fill(settings)
    with pytest.raises(RunRefused, match=r"no new run is begun; those that run go on"):
        start_run(station, parameters=QUICK, by=operator)
    work_on(station)
    assert states(begun) == {State.SUCCEEDED}
    assert begun.files.count() == 1
    # What was asked for before it was full waits, and says for what.
    assert states(second) == {State.WAITING}
    waiting = measuring(second)
    assert "no new run is begun" in why_waiting(waiting)
    fill(settings, 0.0)
    dispatch()
    waiting.refresh_from_db()
    assert waiting.state == State.QUEUED
    assert start_run(station, parameters=QUICK, by=operator).pk > begun.pk


def test_what_is_asked_for_again_or_gone_on_with_is_a_new_run_too(
    station: Station, operator: User, settings: Any
) -> None:
    run = start_run(station, parameters=QUICK, by=operator)
    measured = measuring(run)
    assert run.task_group is not None
    group = run.task_group
    kill_group(group, by=operator)
    fill(settings)
    before = Task.objects.count()
    with pytest.raises(RunRefused, match="no new run is begun"):
        resume_run(run, by=operator)
    with pytest.raises(SubmitError, match="no new run is begun"):
        again(measured, by=operator)
    with pytest.raises(SubmitError, match="no new run is begun"):
        resume(group, by=operator)
    with pytest.raises(SubmitError, match="no new run is begun"):
        again_with(measured, {"run_id": run.pk}, by=operator)
    told = program_of(operator).send("post", f"tasks/{measured.pk}/again", {})
    assert told.status_code == 409
    assert "no new run is begun" in told.content.decode()
    assert Task.objects.count() == before
    # What does not measure is taken as ever, and a run goes on once there is room.
    assert submit("runs.space").state == State.QUEUED
    fill(settings, 0.0)
    [task] = resume_run(run, by=operator)
    task.refresh_from_db()
    assert (task.name, task.state) == ("runs.acquire", State.QUEUED)


def test_a_stations_own_computer_is_given_nothing_new(
    station: Station, operator: User, settings: Any
) -> None:
    lane = station_lane(station)
    Lane.objects.filter(pk=lane.pk).update(remote=True)
    task = submit("runs.acquire", {"run_id": 1}, lane=lane.name, by=operator)
    task.refresh_from_db()
    assert task.state == State.QUEUED
    fill(settings)
    assert claim(lane.name, "bench", 60.0) is None
    task.refresh_from_db()
    assert task.state == State.WAITING
    fill(settings, 0.0)
    dispatch()
    assert claim(lane.name, "bench", 60.0) == task


def test_who_asks_for_a_run_is_told_on_the_page_and_by_the_api(
    station: Station, operator: User, settings: Any
) -> None:
    fill(settings)
    before = Run.objects.count()
    client, page = Client(), station.get_absolute_url()
    client.force_login(operator)
    [form] = [
        one
        for one in forms_of(client.get(page).content.decode(), page)
        if one.action == f"{page}start/"
    ]
    text = client.post(form.action, form.fields, follow=True).content.decode()
    assert "no new run is begun" in text
    refused = program_of(operator).send("post", f"stations/{station.name}/runs", {})
    assert refused.status_code == 409
    assert "no new run is begun" in refused.content.decode()
    assert Run.objects.count() == before


def test_administrators_are_told_once_a_day_before_it_is_full(
    transactional_db: None, operator: User, settings: Any
) -> None:
    User.objects.create_user("guest")
    settings.MPPCQA_DISK_STOP_PERCENT = 3.0

    def look() -> dict[str, float]:
        task = submit("runs.space")
        work("test:1", [queue_name("work")], lambda: False)
        task.refresh_from_db()
        assert task.state == State.SUCCEEDED, task.error_text
        return task.result

    settings.MPPCQA_DISK_WARN_PERCENT = 0.0
    usage = shutil.disk_usage(settings.MPPCQA_HOME)
    assert look()["free_percent"] == pytest.approx(100 * usage.free / usage.total, abs=2)
    assert not Notice.objects.exists()
    settings.MPPCQA_DISK_WARN_PERCENT = 100.0
    look()
    look()
    [told] = Notice.objects.all()
    assert told.user == operator
    said = re.search(r"has ([\d.]+) GB left", told.text)
    assert said is not None
    assert float(said[1]) == pytest.approx(room().free / 1e9, rel=0.3)
    assert "below 3 % no new run is begun" in told.text
