"""Schedules of any routine with its arguments, made, changed and removed by the pages' forms."""

from __future__ import annotations

import datetime as dt
import html
import json
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone, translation
from django_celery_beat.models import PeriodicTask

import tests.queue.routines  # noqa: F401
from mppcqa.exchange.models import Export
from mppcqa.inventory.campaign import Campaign
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue import submit
from mppcqa.queue.laboratory import Laboratory
from mppcqa.queue.models import Lane, State, Task, TaskGroup, queue_name
from mppcqa.queue.runner import work
from mppcqa.queue.schedules import ask, how_of
from mppcqa.reports.kinds import find_kind
from mppcqa.runs.models import Run, Station
from tests.web.formfields import forms_of

pytestmark = pytest.mark.django_db


def filled(client: Client, address: str, **changed: str) -> tuple[int, str]:
    """Send the form of a page as it stands, but for what is changed; where it lands."""
    page = client.get(address)
    assert page.status_code == 200
    form = next(one for one in forms_of(page.content.decode(), address) if "when" in one.fields)
    sent = {**{name: one[-1] for name, one in form.fields.items() if one}, **changed}
    answer = client.post(form.action, {name: one for name, one in sent.items() if one != ""})
    return answer.status_code, answer.headers.get("Location", answer.content.decode())


def run_all() -> None:
    work("test:1", [queue_name("work")], lambda: False)


def latest() -> PeriodicTask:
    return PeriodicTask.objects.latest("id")


def test_a_nightly_reference_run_is_two_touches_from_its_station(
    browser_client: Client, loaded: Station, operator: User
) -> None:
    station = browser_client.get(f"/stations/{loaded.name}/").content.decode()
    address = f"/schedules/add/?routine=runs.start&station={loaded.pk}&reference=off"
    assert address.replace("&", "&amp;") in station  # the first; the second is "Save"
    status, page = filled(browser_client, address)
    assert status == 302
    made = latest()
    assert page == f"/schedules/{made.pk}/"
    assert json.loads(made.kwargs) == {
        "name": "runs.start",
        "arguments": {"station": loaded.pk, "reference": False},
        "by": operator.pk,
    }
    told = browser_client.get(page).content.decode()
    assert "at 02:00 (UTC)" in told
    assert f"Reference run of a station: {loaded.name}" in told
    assert "It has not run yet." in told

    task = ask(made)
    assert f'href="/queue/{task.pk}/"' in browser_client.get(page).content.decode()


@pytest.mark.django_db(transaction=True)
def test_the_run_of_the_night_measures_what_is_loaded_or_says_why_not(
    loaded: Station, operator: User
) -> None:
    Lane.objects.filter(name=loaded.lane).update(dedicated=True)  # nobody measures here
    runs = Run.objects.filter(station=loaded)
    task = submit("runs.start", {"station": loaded.pk}, by=operator)
    run_all()
    task.refresh_from_db()
    assert (task.state, runs.count()) == (State.FAILED, 0)
    assert "has no reference device" in task.error_text

    device = loaded.loaded.earliest("slot").device
    Station.objects.filter(pk=loaded.pk).update(reference_device=device)
    task = submit("runs.start", {"station": loaded.pk}, by=operator)
    run_all()
    run = runs.get()
    assert Task.objects.get(pk=task.pk).result == {"run": run.pk}
    assert (run.station, run.operator, run.stage) == (loaded, operator, loaded.stage)


def test_a_weekly_report_of_a_campaign_is_chosen_and_changed(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    row = Campaign.objects.get()
    choices = browser_client.get("/schedules/add/").content.decode()
    address = "/schedules/add/?routine=reports.write&kind=campaign"
    assert address.partition("add/")[2].replace("&", "&amp;") in choices
    weekly = {"when": "weekly", "weekday": "1", "time": "06:30", "a-number": str(row.pk)}
    status, _page = filled(browser_client, address, **weekly)
    assert status == 302
    made = latest()
    arguments = {"kind": "campaign", "number": row.pk}
    assert json.loads(made.kwargs)["arguments"] == arguments
    page = f"/schedules/{made.pk}/"
    shown = browser_client.get(page).content.decode()
    assert f"Report: {find_kind('campaign').title}, {row}" in html.unescape(shown)
    assert "at 06:30, only on Monday" in shown
    with translation.override("es"):
        title = str(find_kind("campaign").title)
    browser_client.cookies.load({"django_language": "es"})
    assert f"{title}, {row}" in html.unescape(browser_client.get(page).content.decode())
    browser_client.cookies.load({"django_language": "en"})
    filled(browser_client, page, **{"a-language": "es", "a-paper": "letter", "time": "07:15"})
    made.refresh_from_db()
    assert json.loads(made.kwargs)["arguments"] == {
        **arguments,
        "language": "es",
        "paper": "letter",
    }
    assert made.crontab is not None
    assert (made.crontab.hour, made.crontab.minute, made.crontab.day_of_week) == ("7", "15", "1")
    browser_client.post(f"{page}remove/")
    assert not PeriodicTask.objects.filter(pk=made.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_a_list_is_written_for_who_scheduled_it(
    browser_client: Client, campaign: SimpleNamespace, operator: User
) -> None:
    address = "/schedules/add/?routine=exchange.list"
    filled(browser_client, address, **{"a-what": "devices", "a-form": "csv"})
    task = ask(latest())
    run_all()
    row = Export.objects.get()
    assert (row.asked_by, row.rows) == (operator, len(campaign.devices))
    assert Task.objects.get(pk=task.pk).result["export"] == row.pk


def test_a_schedule_of_one_night_is_by_the_laboratory_s_clock(browser_client: Client) -> None:
    browser_client.post("/schedules/clock/", {"zone": "Moon/Base"})
    assert not Laboratory.objects.exists()
    answer = browser_client.post("/schedules/clock/", _clock(browser_client, "Europe/Madrid"))
    assert answer.status_code == 302
    assert "Europe/Madrid" in browser_client.get("/schedules/").content.decode()
    address = "/schedules/add/?routine=exchange.backup"
    night = {"when": "once", "day": "2099-07-01", "time": "02:00"}
    assert filled(browser_client, address, **night)[0] == 302
    made = latest()
    assert made.clocked is not None
    assert made.clocked.clocked_time == dt.datetime(2099, 7, 1, 0, tzinfo=dt.UTC)
    assert "once, 2099-07-01 02:00 CEST" in browser_client.get("/schedules/").content.decode()
    # The form of one that is there shows it by the same clock.
    page = browser_client.get(f"/schedules/{made.pk}/").content.decode()
    form = next(one for one in forms_of(page, "") if "when" in one.fields)
    assert (form.fields["day"], form.fields["time"]) == (["2099-07-01"], ["02:00"])


def _clock(client: Client, zone: str) -> dict[str, str]:
    page = client.get("/schedules/clock/").content.decode()
    form = next(one for one in forms_of(page, "") if "zone" in one.fields)
    return {"opened": form.fields["opened"][0], "zone": zone}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"when": "daily", "time": ""}, "Say at which time."),
        ({"when": "once", "day": "", "time": "02:00"}, "Say on which day."),
        ({"when": "once", "day": "2020-01-01", "time": "02:00"}, "has passed"),
        ({"when": "once", "day": "2099-03-29", "time": "02:30"}, "does not exist in Europe/Madrid"),
        ({"when": "every", "number": ""}, "at least one second"),
        ({"when": "crontab", "crontab": ""}, "five fields"),
        ({"when": "weekly", "weekday": "9", "time": "02:00"}, "9"),
        ({"a-a": "x"}, "whole number"),
        ({"a-b": ""}, "required"),
    ],
)
def test_what_is_wrong_with_a_schedule_is_told_and_nothing_is_kept(
    browser_client: Client, changed: dict[str, str], told: str
) -> None:
    Laboratory.objects.create(pk=1, zone="Europe/Madrid")
    before = PeriodicTask.objects.count()
    good = {"a-a": "1", "a-b": "2"}
    status, page = filled(browser_client, "/schedules/add/?routine=test.add", **{**good, **changed})
    assert status == 422
    assert told in page
    assert PeriodicTask.objects.count() == before


def test_only_whoever_has_the_right_gives_an_argument_or_takes_a_routine(
    operator: User, campaign: SimpleNamespace
) -> None:
    client = Client()
    client.force_login(invite("mia", ROLES["manager"], by=operator))
    address = "/schedules/add/?routine=exchange.backup"
    assert "a-folder" not in client.get(address).content.decode()
    filled(client, address, **{"a-folder": "/etc"})
    assert "arguments" not in json.loads(latest().kwargs)
    # A step of a run is nothing that is asked for by itself.
    steps = client.get("/schedules/add/").content.decode()
    assert "runs.acquire" not in steps
    assert client.get("/schedules/add/?routine=runs.acquire").status_code == 403
    # An argument that somebody else gave is neither shown to change nor lost.
    made = latest()
    kwargs = {"name": "exchange.backup", "arguments": {"folder": "/srv"}}
    PeriodicTask.objects.filter(pk=made.pk).update(kwargs=json.dumps(kwargs))
    assert filled(client, f"/schedules/{made.pk}/", time="04:00")[0] == 302
    made.refresh_from_db()
    assert json.loads(made.kwargs)["arguments"] == {"folder": "/srv"}


def test_a_row_of_many_is_typed_by_its_name(
    browser_client: Client, campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mppcqa.web.asking.fields.MOST_CHOICES", 0)
    device = campaign.devices[1]
    address = "/schedules/add/?routine=reports.write&kind=device"
    status, page = filled(browser_client, address, **{"a-number": "no such"})
    assert (status, "There is no device “no such”" in page) == (422, True)
    assert filled(browser_client, address, **{"a-number": device.serial})[0] == 302
    assert json.loads(latest().kwargs)["arguments"]["number"] == device.pk


def test_tonight_is_the_next_night_of_the_laboratory(monkeypatch: pytest.MonkeyPatch) -> None:
    from mppcqa.web.schedules import form

    zone = ZoneInfo("America/Santiago")
    monkeypatch.setattr(form, "zone", lambda: zone)
    begin = form.tonight()
    assert begin["day"] in {
        dt.datetime.now(zone).date(),
        dt.datetime.now(zone).date() + dt.timedelta(days=1),
    }
    assert begin["time"] == dt.time(2)


def test_a_schedule_s_tasks_have_its_priority_and_latest_start(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    address = "/schedules/add/?routine=exchange.backup"
    assert filled(browser_client, address, priority="0", within="90")[0] == 302
    made = latest()
    assert how_of(made) == {"priority": 0, "within_s": 5400}
    task = ask(made)
    assert task.priority == 0
    late = task.expires_at - timezone.now()
    assert dt.timedelta(minutes=88) < late <= dt.timedelta(minutes=90)
    # Changed to the usual again, it says nothing of either.
    page = f"/schedules/{made.pk}/"
    assert filled(browser_client, page, priority="5", within="")[0] == 302
    assert how_of(latest()) == {}
    assert filled(browser_client, page, within="0")[0] == 422


def test_a_group_s_page_says_what_its_tasks_returned(browser_client: Client) -> None:
    group = TaskGroup.objects.create(title="three")
    for name, result in (("a", {"rows": 12}), ("b", {"rows": 30, "kept": "x.csv"}), ("c", None)):
        Task.objects.create(name=name, group=group, state=State.SUCCEEDED, result=result)
    page = browser_client.get(f"/queue/groups/{group.pk}/").content.decode()
    for told in ("Result", "12", "30", "x.csv"):
        assert told in page[page.index("h-result") :]
