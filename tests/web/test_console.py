"""A station's console and the board of all: one word, what lies where, what is watched."""

from __future__ import annotations

import re
from types import SimpleNamespace

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mppcqa.queue.logs import log_path
from mppcqa.queue.models import Lane, Message, State, Task
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.models import Run, Station

HERE = "/stations/darkbox-1/console/?now=1"


def shown(client: Client, address: str = HERE) -> tuple[str, str]:
    """Colour and word."""
    page = client.get(address).content.decode()
    kind = re.search(r'data-kind="(\w+)"', page)
    word = re.search(r'class="bench-word"[^>]*>([^<]*)<', page)
    assert kind is not None
    assert word is not None
    return kind[1], word[1]


def measuring(station: Station, by: User) -> Task:
    run = start_run(station, by=by)
    assert run.task_group is not None
    return run.task_group.tasks.order_by("pk")[0]


def test_a_slot_shows_the_verdict_of_the_run_that_is_on_and_none_of_before(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.run.station
    serial = campaign.devices[0].serial
    load_station(station, {1: serial}, by=operator)
    address = f"/stations/{station.name}/console/?now=1"

    def badge() -> bool:
        page = browser_client.get(address).content.decode()
        slot = re.search(rf'class="serial"[^>]*>{serial}</a>(.*?)</li>', page, re.DOTALL)
        assert slot is not None
        return 'class="state' in slot[1]

    assert badge()
    measuring(station, operator)
    assert not badge()


def test_one_word_for_each_state(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[1]
    assert shown(browser_client) == ("calm", "empty")
    load_station(station, {2: "GX-001"}, by=operator)
    assert shown(browser_client) == ("good", "ready")
    task = measuring(station, operator)
    assert shown(browser_client) == ("busy", "waiting")
    rows = Task.objects.filter(pk=task.pk)
    rows.update(
        state=State.RUNNING, started_at=timezone.now(), progress_done=1, progress_total=4, attempt=1
    )
    assert shown(browser_client) == ("busy", "measuring")
    rows.update(kill_requested_at=timezone.now())
    assert shown(browser_client) == ("warn", "stopping")
    everyone = Task.objects.filter(group=task.group)
    everyone.update(state=State.KILLED)
    assert shown(browser_client) == ("warn", "stopped")
    everyone.update(state=State.SUCCEEDED)
    assert shown(browser_client) == ("good", "done")
    rows.update(state=State.FAILED, error_text="Traceback\nthe bias supply does not answer")
    assert shown(browser_client) == ("bad", "trouble")
    assert "the bias supply does not answer" in browser_client.get(HERE).content.decode()
    Lane.objects.update(maintenance="the lamp")
    assert shown(browser_client) == ("warn", "out of service")
    browser_client.cookies.load({"django_language": "es"})
    assert shown(browser_client) == ("warn", "fuera de servicio")


def test_what_lies_where_and_what_is_asked(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[1]
    load_station(station, {2: "GX-001"}, by=operator)
    task = measuring(station, operator)
    Message.objects.create(task=task, level="warning", text="close the <lid>")
    Message.objects.create(task=task, level="info", text="a note")
    page = browser_client.get(HERE).content.decode()
    assert page.count('class="bench-slot"') == 3
    assert page.count('class="bench-slot bench-full"') == 1
    assert "close the &lt;lid&gt;" in page
    assert "a note" not in page


def test_what_the_program_watches_is_drawn(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    station = campaign.stations[1]
    load_station(station, {1: "GX-000"}, by=operator)
    task = measuring(station, operator)
    Task.objects.filter(pk=task.pk).update(state=State.RUNNING, attempt=1)
    path = log_path(task.pk, 1)
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"12:00:0{n} @monitor bias={71 + n / 10:.3f} V" for n in range(5)]
    odd = [
        "12:00 @monitor x=1e999 V",
        "12:00 @monitor =3",
        "12:00 @monitor <b>=nan",
        "12:00 bias=3",
    ]
    path.write_text("\n".join([*lines, *odd, "12:00:09 @monitor dark_rate=17.6 MHz"]) + "\n")
    page = browser_client.get(HERE).content.decode()
    assert "71.4 V" in page
    assert "71 … 71.4" in page
    assert "dark rate" in page
    assert page.count("<polyline") == 2


def test_the_board_asks_no_more_for_more_stations(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    counts = []
    for more in (0, 10):
        for n in range(more):
            station = Station.objects.create(name=f"s-{n}", stage="pde", slots=2)
            run = Run.objects.create(stage="pde", station=station)
            assert run.pk
        with CaptureQueriesContext(connection) as queries:
            page = browser_client.get("/board/").content.decode()
        counts.append(len(queries))
    assert page.count("bench-tile") == 12
    assert counts[0] == counts[1]
