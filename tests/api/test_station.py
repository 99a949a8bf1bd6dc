"""The station's part of the API: who may ask, what is refused in words, and what counts once."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import re
import time
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType, Maker
from mppcqa.queue.actions import kill
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import State, Task
from mppcqa.queue.reaper import reap
from mppcqa.runs.actions import RunRefused, load_station, resume_run, start_run
from mppcqa.runs.models import Run, Station, StationContact, StationOrder, StationToken
from mppcqa.runs.station_tokens import make_token, take_back

AGENT = "agent-one-1"
PROGRAMS = [{"name": "dark", "stages": ["darkbox"]}]


class Computer:
    """A station's computer that speaks the protocol by hand."""

    def __init__(self, token: str, agent: str = AGENT, ahead_s: float = 0.0) -> None:
        self.client, self.agent, self.ahead_s = Client(enforce_csrf_checks=True), agent, ahead_s
        self.headers = {"Authorization": f"Bearer {token}"}

    def say(self, path: str, **more: Any) -> Any:
        now = timezone.now() + dt.timedelta(seconds=self.ahead_s)
        body = {"agent": self.agent, "now": now.isoformat(), **more}
        return self.client.post(
            f"/api/v1/station/{path}",
            json.dumps(body),
            content_type="application/json",
            headers=self.headers,
        )

    def hello(self, **more: Any) -> Any:
        return self.say("hello", programs=PROGRAMS, host="bench-7", **more)

    def order(self) -> dict[str, Any]:
        return self.say("next").json()["order"]  # type: ignore[no-any-return]

    def piece(self, order: dict[str, Any], offset: int, data: bytes, sha256: str = "") -> Any:
        sha256 = sha256 or hashlib.sha256(data).hexdigest()
        place = f"/api/v1/station/attempts/{order['task']}/{order['attempt']}/file"
        return self.client.put(
            f"{place}?agent={self.agent}&offset={offset}",
            data,
            content_type="application/octet-stream",
            headers={**self.headers, "X-Piece-SHA256": sha256},
        )

    def about(self, order: dict[str, Any], what: str, **more: Any) -> Any:
        return self.say(f"attempts/{order['task']}/{order['attempt']}/{what}", **more)


@pytest.fixture
def station(operator: User) -> Station:
    maker = Maker.objects.create(name="Hamamatsu")
    DeviceType.objects.create(
        name="S12045(X)", maker=maker, rows=4, columns=4, nominal_breakdown_v=70
    )
    register_devices([{"serial": f"Q{n}", "device_type": "S12045(X)"} for n in (1, 2)])
    made = Station.objects.create(name="dark-1", stage="darkbox", slots=2, remote=True)
    load_station(made, {1: "Q1", 2: "Q2"}, by=operator)
    return made


@pytest.fixture
def computer(station: Station) -> Computer:
    made = Computer(make_token(station, 10)[1])
    assert made.hello().status_code == 200
    return made


def run_of(station: Station, operator: User) -> tuple[Run, Task]:
    run = start_run(station, by=operator)
    assert run.task_group is not None
    return run, run.task_group.tasks.order_by("id")[0]


@pytest.mark.django_db
def test_a_token_is_kept_as_a_hash_and_opens_until_its_day_or_until_taken_back(
    station: Station,
) -> None:
    row, token = make_token(station, 10, note="bench")
    kept = " ".join(map(str, StationToken.objects.values_list().get()))
    assert token not in kept
    assert token[len(row.begins) :] not in kept
    computer = Computer(token)
    assert computer.hello().status_code == 200
    row.refresh_from_db()
    assert row.used_at is not None
    StationToken.objects.update(ends_at=timezone.now())
    assert computer.say("next").status_code == 401
    StationToken.objects.update(ends_at=timezone.now() + dt.timedelta(days=1))
    assert computer.say("next").status_code == 200
    assert take_back(row)
    assert computer.say("next").status_code == 401
    assert not take_back(row)


@pytest.mark.django_db
@pytest.mark.parametrize("now", [0, 1.5, "0", "1e9", "", None])
def test_a_clock_that_says_no_moment_is_refused(station: Station, now: object) -> None:
    _row, token = make_token(station, 10)
    answer = Computer(token).hello(now=now)
    assert answer.status_code == 422
    assert "now" in answer.content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("header", ["", "Bearer ", "Bearer mppcqa-station-x", "Basic YTpi", "x"])
def test_without_a_token_that_counts_every_address_says_what_to_do(
    header: str, station: Station
) -> None:
    computer = Computer("")
    computer.headers = {"Authorization": header} if header else {}
    for path in ("hello", "next", "attempts/1/1/going", "attempts/1/1/end"):
        answer = computer.say(path)
        assert answer.status_code == 401
        assert answer["Content-Type"] == "application/problem+json"
        assert "station's page" in answer.json()["detail"]


@pytest.mark.django_db
def test_faults_name_their_field(computer: Computer) -> None:
    answer = computer.say("hello", programs=[{"name": "a b", "stages": []}], colour="red")
    assert answer.status_code == 422
    fields = {one["field"] for one in answer.json()["errors"]}
    assert fields == {"programs.0.name", "colour"}
    for path, status in (("nowhere", 404), ("attempts/1/1/end", 422)):
        answer = computer.say(path)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    for number in ("9" * 19, "9" * 400, "-1", "x"):
        assert computer.say(f"attempts/{number}/{number}/end", state="lost").status_code == 422
    ends = {"state": "lost", "exit_status": 10**400, "size": 10**30}
    assert computer.say("attempts/1/1/end", **ends).status_code in (400, 422)
    answer = computer.client.get("/api/v1/station/next", headers=computer.headers)
    assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json")
    answer = computer.say("next", holding=["x" * 3_000_000])
    assert (answer.status_code, answer["Content-Type"]) == (413, "application/problem+json")


@pytest.mark.django_db(transaction=True)
def test_what_is_said_twice_counts_once(
    computer: Computer, station: Station, operator: User
) -> None:
    run, task = run_of(station, operator)
    order = computer.order()
    assert order["program"] == "dark"
    assert [slot["serial"] for slot in order["config"]["slots"]] == ["Q1", "Q2"]
    # The answer was lost: the same order comes again, until the computer says that it has it.
    assert computer.order() == order
    assert computer.say("next", holding=[[order["task"], 1]]).json()["order"] is None
    assert StationOrder.objects.count() == 1
    line = b"2026-01-01T00:00:00.000Z hello\n"
    said = {
        "log": base64.b64encode(line).decode(),
        "progress": {"done": 3, "total": 4, "text": "half"},
        "messages": [{"number": 1, "level": "warning", "text": "look here"}],
    }
    for _ in range(2):
        heard = computer.about(order, "going", **said).json()
        assert heard == {"log_size": len(line), "messages": 1, "stop": None}
    assert log_path(task.pk, 1).read_bytes() == line
    assert task.messages.count() == 1
    task.refresh_from_db()
    assert (task.state, task.percent, task.worker) == (State.RUNNING, 75, "station dark-1")
    data = bytes(range(256)) * 10
    assert computer.piece(order, 0, data[:1000]).json() == {"size": 1000}
    # Again, with an overlap, and with a gap.
    assert computer.piece(order, 500, data[500:1500]).json() == {"size": 1500}
    assert computer.piece(order, 2000, data[2000:]).json() == {"size": 1500}
    damaged = computer.piece(order, 1500, b"x" * 10, hashlib.sha256(b"y").hexdigest())
    assert (damaged.status_code, damaged.json()["errors"][0]["field"]) == (409, "X-Piece-SHA256")
    end = {"state": "succeeded", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    early = computer.about(order, "end", **end)
    assert (early.status_code, early.json()["errors"][0]["field"]) == (409, "size")
    assert computer.piece(order, 1500, data[1500:]).json() == {"size": len(data)}
    for _ in range(3):
        assert computer.about(order, "end", **end).json() == {"counted": True}
        assert computer.about(order, "going", **said).json()["stop"] is None
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED
    assert task.attempts.count() == 1
    folder = run.folders.get()
    assert (folder.path / "run.root").read_bytes() == data
    assert folder.size == len(data)


@pytest.mark.django_db(transaction=True)
def test_a_file_of_another_sum_is_sent_again_from_its_begin(
    computer: Computer, station: Station, operator: User
) -> None:
    _run, task = run_of(station, operator)
    order = computer.order()
    computer.piece(order, 0, b"wrong")
    end = {"state": "succeeded", "size": 5, "sha256": hashlib.sha256(b"right").hexdigest()}
    answer = computer.about(order, "end", **end)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (409, "sha256")
    assert computer.piece(order, 0, b"right").json() == {"size": 5}
    assert computer.about(order, "end", **end).json() == {"counted": True}
    task.refresh_from_db()
    assert task.state == State.SUCCEEDED


@pytest.mark.parametrize("state", ["failed", "succeeded"])
@pytest.mark.django_db(transaction=True)
def test_an_empty_file_of_which_no_piece_comes_is_an_end_too(
    computer: Computer, station: Station, operator: User, state: str
) -> None:
    run, task = run_of(station, operator)
    order = computer.order()
    end = {"state": state, "size": 0, "sha256": hashlib.sha256(b"").hexdigest(), "error": "full"}
    assert computer.about(order, "end", **end).json() == {"counted": True}
    task.refresh_from_db()
    assert task.state == state
    assert (run.folders.get().path / "run.root").read_bytes() == b""


@pytest.mark.django_db(transaction=True)
def test_a_kill_reaches_the_computer_and_its_end_follows(
    computer: Computer, station: Station, operator: User
) -> None:
    _run, task = run_of(station, operator)
    order = computer.order()
    kill(task, by=operator, reason="wrong tray")
    stop = computer.about(order, "going").json()["stop"]
    assert stop == {"state": "killed", "reason": "wrong tray"}
    assert computer.about(order, "end", state="killed", error="wrong tray").json()["counted"]
    task.refresh_from_db()
    assert task.state == State.KILLED
    assert start_run(station, by=operator)  # the station is free


@pytest.mark.django_db(transaction=True)
def test_a_second_computer_with_the_same_token_is_refused(
    computer: Computer, station: Station, operator: User
) -> None:
    second = Computer(computer.headers["Authorization"].split()[1], agent="agent-two-2")
    refused = second.hello()
    assert refused.status_code == 409
    assert "bench-7" in refused.json()["detail"]
    assert second.say("next").status_code == 409
    assert StationContact.objects.get().refused_at is not None
    # Silent is not enough while it has something to bring.
    run_of(station, operator)
    order = computer.order()
    StationContact.objects.update(heard_at=timezone.now() - dt.timedelta(hours=1))
    assert second.hello().status_code == 409
    assert computer.about(order, "end", state="failed", error="no light").json()["counted"]
    StationContact.objects.update(heard_at=timezone.now() - dt.timedelta(hours=1))
    assert second.hello().status_code == 200
    assert computer.say("next").status_code == 409
    assert second.about(order, "going").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_a_clock_off_by_a_day_is_told_and_the_servers_counts(
    station: Station, operator: User
) -> None:
    computer = Computer(make_token(station, 10)[1], ahead_s=86_400)
    begun = timezone.now()
    computer.hello()
    run_of(station, operator)
    order = computer.order()
    took = (timezone.now() - begun).total_seconds()
    task = Task.objects.get(pk=order["task"])
    [told] = task.messages.filter(level="warning", text__contains=" s off")
    [off] = re.findall(r"\+(\d+) s off", told.text)
    assert 86_399.5 - took <= int(off) <= 86_400  # a request on its way looks like a slower clock
    assert computer.about(order, "end", state="failed", error="x").json()["counted"]
    task.refresh_from_db()
    assert abs((timezone.now() - task.ended_at).total_seconds()) < 600


@pytest.mark.django_db(transaction=True)
def test_a_run_starts_only_where_the_list_has_its_program(station: Station, operator: User) -> None:
    with pytest.raises(RunRefused, match="never connected"):
        start_run(station, by=operator)
    computer = Computer(make_token(station, 10)[1])
    computer.say("hello", programs=[{"name": "other", "stages": ["iv"]}])
    with pytest.raises(RunRefused, match="no program for this stage"):
        start_run(station, by=operator)
    computer.say("hello", programs=[{"name": "a"}, {"name": "b", "stages": ["darkbox"]}])
    with pytest.raises(RunRefused, match="choose one"):
        start_run(station, by=operator)
    Station.objects.update(program_name="b")
    station.refresh_from_db()
    start_run(station, by=operator)
    assert computer.order()["program"] == "b"


def test_no_path_of_the_server_is_told(tmp_path: Path) -> None:
    from mppcqa.api.urls import api

    assert str(Path.cwd()) not in json.dumps(api.get_openapi_schema())


def given_up(task: Task) -> None:
    """What a reaper does once an attempt's lease of hours is over."""
    Task.objects.filter(pk=task.pk).update(lease_s=0.01)
    deadline = time.monotonic() + 60
    while Task.objects.get(pk=task.pk).state == State.RUNNING:
        assert time.monotonic() < deadline
        reap()
        time.sleep(0.02)


@pytest.mark.django_db(transaction=True)
def test_silence_of_hours_loses_an_attempt_and_what_comes_late_counts_once(
    computer: Computer, station: Station, operator: User
) -> None:
    _run, task = run_of(station, operator)
    order = computer.order()
    for _ in range(3):
        reap()
    task.refresh_from_db()
    assert task.state == State.RUNNING  # not heard of for a while is no loss
    given_up(task)
    task.refresh_from_db()
    assert task.state == State.LOST
    assert computer.about(order, "going").json()["stop"] is None
    task.refresh_from_db()
    assert task.state == State.RUNNING  # it only was cut off, and goes on
    given_up(task)
    computer.piece(order, 0, b"measured")
    end = {"state": "succeeded", "size": 8, "sha256": hashlib.sha256(b"measured").hexdigest()}
    for _ in range(2):
        assert computer.about(order, "end", **end).json() == {"counted": True}
    task.refresh_from_db()
    assert (task.state, task.attempts.count()) == (State.SUCCEEDED, 1)


@pytest.mark.django_db(transaction=True)
def test_what_was_asked_for_again_meanwhile_does_not_count_twice(
    computer: Computer, station: Station, operator: User
) -> None:
    run, task = run_of(station, operator)
    order = computer.order()
    given_up(task)
    resume_run(run, by=operator)
    again = computer.order()
    assert again["task"] != order["task"]
    assert computer.about(order, "going").json()["stop"]["state"] == "lost"
    for one, counts in ((order, False), (again, True)):
        computer.piece(one, 0, b"measured")
        end = {"state": "succeeded", "size": 8, "sha256": hashlib.sha256(b"measured").hexdigest()}
        for _ in range(2):
            assert computer.about(one, "end", **end).json() == {"counted": counts}
    states = Task.objects.filter(name="runs.acquire").order_by("pk").values_list("state", flat=True)
    assert list(states) == [State.LOST, State.SUCCEEDED]


@pytest.mark.django_db(transaction=True)
def test_a_computer_that_does_not_come_back_is_given_up(
    computer: Computer, station: Station, operator: User
) -> None:
    _run, task = run_of(station, operator)
    order = computer.order()
    page = Client()
    page.force_login(operator)
    page.post("/stations/dark-1/forget/")
    task.refresh_from_db()
    assert task.state == State.RUNNING  # it answers
    StationContact.objects.update(heard_at=timezone.now() - dt.timedelta(hours=1))
    page.post("/stations/dark-1/forget/")
    task.refresh_from_db()
    assert task.state == State.LOST
    second = Computer(computer.headers["Authorization"].split()[1], agent="agent-two-2")
    assert second.hello().status_code == 200
    assert computer.about(order, "going").status_code == 409


@pytest.mark.django_db
def test_the_page_makes_a_token_that_is_shown_once_and_takes_it_back(
    station: Station, operator: User
) -> None:
    page = Client()
    page.force_login(operator)
    made = page.post("/stations/dark-1/token/", {"days": "30", "note": "bench"})
    token = re.findall(r'id="new-token">([^<]+)<', made.content.decode())[0]
    assert made["Cache-Control"] == "no-store"
    assert token not in page.get("/stations/dark-1/computer/").content.decode()
    computer = Computer(token)
    assert computer.hello().status_code == 200
    shown = page.get("/stations/dark-1/computer/").content.decode()
    assert "bench-7" in shown
    assert page.post("/stations/dark-1/token/", {"days": "-1"}).status_code == 302
    assert StationToken.objects.count() == 1
    page.post("/stations/dark-1/revoke/", {"token": StationToken.objects.get().pk})
    assert computer.say("next").status_code == 401
