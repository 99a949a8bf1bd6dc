"""Tasks asked for by a form, their results, and the list's filters and archive."""

from __future__ import annotations

import datetime as dt
import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

import tests.queue.routines  # noqa: F401
from mppcqa.people.actions import invite
from mppcqa.people.roles import ROLES
from mppcqa.queue import submit
from mppcqa.queue.laboratory import Laboratory
from mppcqa.queue.models import Lane, State, Task, queue_name
from mppcqa.queue.runner import work
from tests.web.formfields import forms_of

pytestmark = pytest.mark.django_db
ADD = "/queue/new/?routine=test.add"


def listed(client: Client, query: str) -> set[int]:
    """Numbers of the tasks in the list (not in what runs now)."""
    page = client.get(f"/queue/?state=open&{query}").content.decode()
    return {task.pk for task in Task.objects.all() if f'href="/queue/{task.pk}/"' in page}


def test_a_task_is_asked_for_with_times_of_the_laboratory_and_a_priority(
    browser_client: Client, operator: User
) -> None:
    Laboratory.objects.create(pk=1, zone="Europe/Madrid")
    when = {"not_before": "2099-07-01T02:00", "expires_at": "2099-07-01T06:00", "priority": "1"}
    answer = browser_client.post(ADD, {"routine": "test.add", "a-a": "3", "a-b": "4", **when})
    assert answer.status_code == 302
    task = Task.objects.get()
    assert answer.headers["Location"] == f"/queue/{task.pk}/"
    assert (task.arguments, task.priority, task.requested_by) == ({"a": 3, "b": 4}, 1, operator)
    assert task.not_before == dt.datetime(2099, 7, 1, 0, tzinfo=dt.UTC)
    assert task.expires_at == dt.datetime(2099, 7, 1, 4, tzinfo=dt.UTC)
    page = browser_client.get(f"/queue/{task.pk}/").content.decode()
    assert "2099-07-01 02:00 CEST" in page
    assert "2099-07-01 06:00 CEST" in page
    now = browser_client.get("/queue/").content.decode()
    assert "2099-07-01 04:00" in now  # the list's times are UTC
    browser_client.post(f"/queue/{task.pk}/priority/", {"priority": "7"})
    task.refresh_from_db()
    assert task.priority == 7
    browser_client.post(f"/queue/{task.pk}/priority/", {"priority": "70"})
    task.refresh_from_db()
    assert task.priority == 7


@pytest.mark.parametrize(
    "wrong",
    [
        {"a-a": "one"},
        {"priority": "10"},
        {"not_before": "2099-03-29T02:30"},
        {"expires_at": "2020-01-01T02:00"},
        {"not_before": "2099-07-02T02:00", "expires_at": "2099-07-01T06:00"},
        {"not_before": "tonight"},
    ],
)
def test_what_is_wrong_asks_for_nothing(browser_client: Client, wrong: dict[str, str]) -> None:
    Laboratory.objects.create(pk=1, zone="Europe/Madrid")
    values = {"routine": "test.add", "a-a": "3", "a-b": "4", "priority": "5", **wrong}
    assert browser_client.post(ADD, values).status_code == 422
    assert not Task.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_task_is_run_again_with_one_argument_changed(browser_client: Client) -> None:
    task = submit("test.add", {"a": 1, "b": 2}, priority=3)
    work("test:1", [queue_name("work")], lambda: False)
    page = browser_client.get(f"/queue/{task.pk}/").content.decode()
    address = f"/queue/new/?of={task.pk}"
    assert f'href="{address}"' in page
    assert "<dt>sum</dt>" in page.replace(" ", "")  # its result, in words
    form = next(
        one
        for one in forms_of(browser_client.get(address).content.decode(), address)
        if "a-a" in one.fields
    )
    sent = {name: one[-1] for name, one in form.fields.items() if one}
    assert (sent["a-a"], sent["a-b"], sent["priority"]) == ("1", "2", "3")
    browser_client.post(address, {**sent, "a-b": "40"})
    made = Task.objects.latest("id")
    assert (made.repeat_of, made.arguments) == (task, {"a": 1, "b": 40})
    text = " ".join(browser_client.get(f"/queue/{made.pk}/").content.decode().split())
    assert "<code>b</code>: 2 → 40" in text


def test_only_what_a_person_may_give_is_changed(operator: User) -> None:
    task = submit("exchange.backup", {"folder": "/srv"}, by=operator)
    Task.objects.update(state=State.FAILED)
    client = Client()
    client.force_login(invite("mia", ROLES["operator"], by=operator))
    assert f"?of={task.pk}" not in client.get(f"/queue/{task.pk}/").content.decode()
    assert client.get(f"/queue/new/?of={task.pk}").status_code == 403
    assert client.get("/queue/new/?routine=bundles.make").status_code == 403
    assert client.get("/queue/new/?routine=limits.apply").status_code == 403


def test_the_list_is_filtered_by_routine_person_lane_and_day(
    browser_client: Client, operator: User, campaign: SimpleNamespace
) -> None:
    Task.objects.all().delete()
    lane = Lane.objects.create(name=campaign.stations[0].lane, exclusive=True).name
    mine = submit("test.add", {"a": 1, "b": 2}, by=operator)
    other = submit("test.fail")
    there = submit("test.fail", lane=lane)
    old = submit("test.fail")
    then = timezone.now() - dt.timedelta(days=40)
    Task.objects.filter(pk=old.pk).update(created_at=then)
    assert listed(browser_client, "routine=test.add") == {mine.pk}
    assert listed(browser_client, f"by={operator.username}") == {mine.pk}
    assert listed(browser_client, f"lane={lane}") == {there.pk}
    assert listed(browser_client, f"to={then:%Y-%m-%d}") == {old.pk}
    assert listed(browser_client, f"from={timezone.now():%Y-%m-%d}&routine=test.fail") == {
        other.pk,
        there.pk,
    }
    assert listed(browser_client, "from=nonsense") == {mine.pk, other.pk, there.pk, old.pk}


def test_what_was_archived_is_found_in_the_list(browser_client: Client) -> None:
    shown, hidden = submit("test.fail"), submit("test.fail")
    Task.objects.filter(pk=hidden.pk).update(hidden=True)
    assert listed(browser_client, "") == {shown.pk}
    assert listed(browser_client, "archived=1&routine=test.fail") == {hidden.pk}


@pytest.mark.parametrize(
    ("result", "parts"),
    [
        ({"rows": 3, "whole": True}, ["rows", "3", "yes"]),
        ({"verdicts": {"GX-1": "pass", "GX-2": "fail"}}, ["<caption", "GX-1", "fail"]),
        ({"by": {"a": {"n": 1, "s": 2.5}, "b": {"n": 2, "s": 3.0}}}, [">n</th>", "2.5"]),
        ({"list": [{"file": "<b>x", "n": 1}]}, ["&lt;b&gt;x", ">file</th>"]),
        ({"many": {f"d{n}": n for n in range(250)}}, ["d199", "and 50 more"]),
        ({"run": 10**6}, ["1000000"]),
    ],
)
def test_a_result_is_shown_in_words_or_as_a_table(
    browser_client: Client, result: object, parts: list[str]
) -> None:
    task = submit("test.add", {"a": 1, "b": 2})
    Task.objects.update(state=State.SUCCEEDED, result=result)
    page = browser_client.get(f"/queue/{task.pk}/").content.decode()
    shown = page.split('id="result"')[1].split("</section>")[0]
    assert [one for one in parts if one not in shown] == []
    if "many" in str(result):
        assert "d200" not in shown


def test_a_result_leads_to_what_was_made(browser_client: Client, campaign: SimpleNamespace) -> None:
    task = submit("test.add", {"a": 1, "b": 2})
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, result={"run": campaign.run.pk})
    page = browser_client.get(f"/queue/{task.pk}/").content.decode()
    assert f'href="/runs/{campaign.run.pk}/"' in page.split('id="result"')[1]


@pytest.mark.parametrize("language", ["en", "es"])
def test_what_may_be_run_is_told_apart(browser_client: Client, language: str) -> None:
    page = browser_client.get("/queue/new/", headers={"Accept-Language": language})
    shown = re.findall(r"\?routine=([\w.-]+)[^>]*>\s*([^<]+?)\s*<", page.content.decode())
    assert len(shown) > 10, page.content.decode()[-3000:]
    assert len({title for _key, title in shown}) == len(shown), sorted(shown)
