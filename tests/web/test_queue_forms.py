"""What people decide about stations, schedules, workers and tasks, by the forms of the pages."""

from __future__ import annotations

import datetime as dt
import json
import shlex
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

import tests.queue.routines  # noqa: F401
from mppcqa.queue import Call, kill, submit, submit_chain
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import Lane, Notice, State, Task, Worker
from mppcqa.queue.transitions import begin
from mppcqa.runs.calibrating import Found, calibrate, place
from mppcqa.runs.instruments import Instrument, Placement
from mppcqa.runs.models import Run, Station
from mppcqa.stages import get_stage
from mppcqa.web.runs.form import RunForm
from tests.web.formfields import opened

pytestmark = pytest.mark.django_db
FORM = RunForm(get_stage("darkbox"))
RUN = {f"p-{key}": FORM.get_initial_for_field(field, key) for key, field in FORM.fields.items()}


def said(client: Client, address: str, values: dict[str, object] | None = None) -> str:
    """The page on which a form lands."""
    page: str = sent(client, address, values, follow=True).content.decode()
    return page


def sent(
    client: Client, address: str, values: dict[str, object] | None = None, **more: object
) -> Any:
    """The answer to a form whose page was opened just before."""
    page = address.removesuffix("remove/")
    if address.startswith("/stations/"):
        page = "/".join(address.split("/")[:3]) + "/"
    try:
        mark = opened(client, page, address)
    except (AssertionError, KeyError):  # a button that adds or ends something
        mark = {}
    return client.post(address, {**(values or {}), **mark}, **more)


def test_a_station_is_reserved_and_others_wait_until_it_is_released(
    browser_client: Client, operator: User, loaded: Station
) -> None:
    page = said(browser_client, "/stations/darkbox-1/reserve/", {"hours": "2,5"})
    assert "is reserved for you" in page
    lane = Lane.objects.get(name=loaded.lane)
    assert lane.reserved_by == operator
    assert lane.reserved_until is not None
    left = lane.reserved_until - timezone.now()
    assert dt.timedelta(hours=2.4) < left <= dt.timedelta(hours=2.5)

    other = User.objects.create_user("ana", password="dark-count-7")
    other.user_permissions.set(Permission.objects.filter(codename__in=["add_run", "view_station"]))
    guest = Client(headers={"host": "127.0.0.1"})
    guest.force_login(other)
    task = submit("test.add", {"a": 1, "b": 1}, lane=lane.name, by=other)
    assert "is reserved for rosa" in guest.get(f"/queue/{task.pk}/").content.decode()
    assert "is reserved for rosa" in said(guest, "/stations/darkbox-1/reserve/", {"hours": "1"})
    assert "Only rosa can release it" in said(
        guest, "/stations/darkbox-1/reserve/", {"release": ""}
    )
    assert "has ended" in said(browser_client, "/stations/darkbox-1/reserve/", {"release": ""})
    lane.refresh_from_db()
    assert lane.reserved_by is None


@pytest.mark.parametrize("hours", ["", "soon", "-1", "0", "721", "nan", "inf", "1e9"])
def test_wrong_hours_reserve_nothing(browser_client: Client, loaded: Station, hours: str) -> None:
    browser_client.post("/stations/darkbox-1/reserve/", {"hours": hours})
    assert not Lane.objects.filter(reserved_by__isnull=False).exists()


def test_a_station_out_of_service_starts_nothing_until_it_is_back(
    browser_client: Client, loaded: Station
) -> None:
    address = "/stations/darkbox-1/maintenance/"
    assert "Say why" in said(browser_client, address, {"why": " "})
    page = said(browser_client, address, {"why": "lamp broken"})
    assert "lamp broken" in page
    refused = sent(browser_client, "/stations/darkbox-1/start/", RUN)
    assert refused.status_code == 422
    assert "out of service: lamp broken" in refused.content.decode()
    assert not Run.objects.filter(station=loaded).exists()
    assert "is in service" in said(browser_client, address, {"end": ""})
    assert Lane.objects.get(name=loaded.lane).maintenance == ""


def test_a_schedule_is_made_changed_switched_and_run_at_once(browser_client: Client) -> None:
    values = {"routine": "queue.retention", "number": "2", "unit": "h", "crontab": ""}
    assert "every 2 hours" in said(browser_client, "/schedules/add/", values)
    row = PeriodicTask.objects.latest("id")
    assert json.loads(row.kwargs)["name"] == "queue.retention"
    assert row.interval is not None
    assert (row.interval.every, row.interval.period) == (7200, "seconds")
    values = {"number": "", "unit": "h", "crontab": "40 2 * * 1-5"}
    told = said(browser_client, f"/schedules/{row.pk}/", values)
    assert "at 02:40, Monday through Friday" in told
    row.refresh_from_db()
    assert row.interval is None
    assert row.crontab is not None
    for _twice in range(2):  # two who press the same button mean the same
        said(browser_client, f"/schedules/{row.pk}/switch/", {"off": "1"})
        assert not PeriodicTask.objects.get(pk=row.pk).enabled
    said(browser_client, f"/schedules/{row.pk}/switch/", {"on": "1"})
    assert PeriodicTask.objects.get(pk=row.pk).enabled
    answer = browser_client.post(f"/schedules/{row.pk}/now/")
    assert answer.headers["Location"] == f"/queue/{Task.objects.get(name='queue.retention').pk}/"


@pytest.mark.parametrize(
    ("number", "crontab", "told"),
    [
        ("", "", "either an interval or a crontab line"),
        ("5", "* * * * *", "either an interval or a crontab line"),
        ("", "40 2", "five fields"),
        ("", "99 2 * * *", "no crontab line"),
        ("0", "", "greater than or equal to 1"),
    ],
)
def test_a_wrong_schedule_is_told_and_not_kept(
    browser_client: Client, number: str, crontab: str, told: str
) -> None:
    before = PeriodicTask.objects.count()
    values = {"routine": "queue.retention", "number": number, "unit": "min", "crontab": crontab}
    answer = browser_client.post("/schedules/add/", values)
    assert answer.status_code == 422
    assert told in answer.content.decode()
    assert PeriodicTask.objects.count() == before


def test_a_worker_is_drained_and_stopped_with_what_it_runs(
    browser_client: Client, operator: User
) -> None:
    worker = Worker.objects.create(name="h:1", host="h", process_id=1, lanes=["x.work"])
    task = submit("test.add", {"a": 1, "b": 1})
    begin(task, "h:1", started_at=timezone.now())
    assert "takes no new task" in said(browser_client, f"/workers/{worker.pk}/drain/")
    worker.refresh_from_db()
    task.refresh_from_db()
    assert (worker.drain, task.kill_requested_at) == (True, None)
    assert "tasks that it ran: 1" in said(browser_client, f"/workers/{worker.pk}/stop/")
    task.refresh_from_db()
    assert (task.kill_requested_by, task.kill_reason) == (operator, "its worker h:1 was stopped")
    Worker.objects.update(stopped_at=timezone.now())
    assert browser_client.post(f"/workers/{worker.pk}/stop/").status_code == 404


def test_a_task_is_stopped_with_a_reason_and_run_again(
    browser_client: Client, operator: User
) -> None:
    task = submit("test.add", {"a": 1, "b": 1})
    page = said(browser_client, f"/queue/{task.pk}/kill/", {"reason": "wrong device"})
    assert "wrong device" in page
    task.refresh_from_db()
    assert (task.state, task.kill_requested_by) == (State.KILLED, operator)
    assert "had ended already" in said(browser_client, f"/queue/{task.pk}/kill/")
    said(browser_client, f"/queue/{task.pk}/again/")
    repeated = Task.objects.latest("id")
    assert (repeated.arguments, repeated.repeat_of) == ({"a": 1, "b": 1}, task)


def test_a_group_is_stopped_at_once(browser_client: Client) -> None:
    group = submit_chain([Call("test.add", {"a": 1, "b": 1})] * 3, title="three")
    page = said(browser_client, f"/queue/groups/{group.pk}/kill/", {"reason": "enough"})
    assert "3 tasks are being stopped" in page
    assert set(group.tasks.values_list("state", flat=True)) == {State.KILLED}


def test_a_log_is_followed_by_offset_searched_and_downloaded(browser_client: Client) -> None:
    task = submit("test.add", {"a": 1, "b": 1})
    begin(task, "h:1", started_at=timezone.now())
    path = log_path(task.pk, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("one <b>\ntwo\nhal")
    page = browser_client.get(f"/queue/{task.pk}/").content.decode()
    assert "one &lt;b&gt;" in page
    assert "hal" not in page.split("one &lt;b&gt;")[1].split("</pre>")[0]
    address = f"/queue/{task.pk}/log/?attempt=1&offset={len('one <b>') + 1 + 4}"
    with path.open("a") as file:
        file.write("f\n")
    assert browser_client.get(address).content.decode().startswith("half\n")
    found = browser_client.get(f"/queue/{task.pk}/?search=TWO").content.decode()
    assert '<span class="text-secondary">2</span>  two' in found
    whole = browser_client.get(f"/queue/{task.pk}/log/download/")
    assert b"".join(whole.streaming_content) == b"one <b>\ntwo\nhalf\n"


def test_notices_are_shown_in_the_bell_until_they_are_read(
    browser_client: Client, operator: User, campaign: SimpleNamespace
) -> None:
    task = submit("test.fail", by=operator)
    Notice.objects.create(user=operator, task=task, text="the box is open")
    assert ">1<" in browser_client.get("/notices/bell/").content.decode().replace(" ", "")
    assert "the box is open" in browser_client.get("/notices/").content.decode()
    browser_client.post("/notices/read/")
    assert not Notice.objects.filter(read_at=None).exists()


def _station_form(station: Station, **changed: object) -> dict[str, object]:
    kept = {
        "name": station.name,
        "stage": station.stage,
        "institute": station.institute_id or "",
        "slots": station.slots,
        "device_type": station.device_type_id or "",
        "program": shlex.join(station.program),
        "make_safe": shlex.join(station.make_safe),
        "time_limit_s": station.time_limit_s,
        "expiry": station.expiry,
        "bad_contact": station.bad_contact,
        "reference_device": "",
        "reference_every_days": station.reference_every_days,
    }
    return kept | changed


def test_a_station_is_made_changed_and_removed_with_its_queue(
    browser_client: Client, django_capture_on_commit_callbacks: Any
) -> None:
    make = "/catalogue/stations/new/"
    blank = Station(
        name="dark-9", stage="darkbox", slots=4, program=["measure", "--at", "two words"]
    )
    refused = browser_client.post(make, _station_form(blank, program="measure 'all"))
    assert refused.status_code == 422
    assert "A quotation mark is not closed." in refused.content.decode()
    said(browser_client, make, _station_form(blank))
    station = Station.objects.get(name="dark-9")
    lamp = Instrument.objects.create(name="lamp", kind="light source")
    place(lamp, station, dt.date(2020, 1, 1))
    calibrate(lamp, Found(dt.date(2020, 1, 1), "PTB", valid_until=dt.date(2020, 6, 1)))
    lane = Lane.objects.get(name=station.lane)
    assert (lane.exclusive, str(lane)) == (True, "dark-9")
    assert station.program == ["measure", "--at", "two words"]

    task = submit("queue.retention", lane=station.lane)
    assert task.state == State.WAITING
    change = f"/catalogue/stations/{station.pk}/"
    refused = sent(browser_client, change, _station_form(station, name="dark-10"))
    assert "Tasks of dark-9 wait or run" in refused.content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        sent(browser_client, change, _station_form(station, expiry="warn"))
    task.refresh_from_db()
    assert task.state == State.QUEUED
    kill(task)

    Lane.objects.create(name="station:dark-10")  # what a station removed long ago left
    sent(browser_client, change, _station_form(station, name="dark-10"))
    assert Lane.objects.filter(name="station:dark-10").get().pk == lane.pk
    assert not Lane.objects.filter(name="station:dark-9").exists()
    Placement.objects.all().delete()
    Instrument.objects.all().update(station=None)
    sent(browser_client, f"{change}remove/")
    assert not Station.objects.filter(pk=station.pk).exists()
    assert not Lane.objects.filter(pk=lane.pk).exists()


def test_a_schedule_says_in_words_when_it_is_due(browser_client: Client) -> None:
    values = {"routine": "queue.retention", "number": "", "unit": "h", "crontab": "30 2 * * 1"}
    said(browser_client, "/schedules/add/", values)
    page = browser_client.get("/schedules/").content.decode()
    assert "at 02:30, only on Monday (UTC)" in page
    browser_client.cookies["django_language"] = "es"
    page = browser_client.get("/schedules/").content.decode()
    assert "a las 02:30, sólo el lunes (UTC)" in page
