"""A page that follows what happens says when it can't, and goes on by itself."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

import tests.queue.routines  # noqa: F401
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.queue import submit
from mppcqa.queue.models import State, Task
from tests.browser.test_campaign import PASSWORD, log_in, page  # noqa: F401 (a fixture)


@pytest.mark.parametrize("away", ["refuses", "out of reach"])
@pytest.mark.django_db(transaction=True)
def test_a_server_that_was_away_for_a_while_is_followed_again(
    page: object,  # noqa: F811
    live_server: object,
    away: str,
) -> None:
    person = User.objects.create_superuser("rosa", password=PASSWORD)
    task = submit("test.add", {"a": 1, "b": 2}, by=person)
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/queue/{task.pk}/")
    old = page.get_by_text("The server does not answer")
    assert not old.is_visible()

    page.expected_faults += ["status of 503", "Error Code 503 from", "net::ERR_", "htmx:"]
    state = f"**/queue/{task.pk}/live/"
    page.route(
        state,
        lambda asked: asked.fulfill(status=503) if away == "refuses" else asked.abort(),
    )
    old.wait_for()
    Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED, result={"sum": 3})
    page.unroute(state)
    page.locator("#task-state", has_text="succeeded").wait_for()
    old.wait_for(state="hidden")


@pytest.mark.django_db(transaction=True)
def test_what_is_gone_is_told_and_not_asked_for_for_ever(
    page: object,  # noqa: F811
    live_server: object,
) -> None:
    person = User.objects.create_superuser("rosa", password=PASSWORD)
    task = submit("test.add", {"a": 1, "b": 2}, by=person)
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/queue/{task.pk}/")
    page.expected_faults += ["status of 404", "Error Code 404 from"]
    Task.objects.filter(pk=task.pk).delete()
    page.get_by_text("was removed, or is not for you any more").wait_for()
    assert not page.get_by_text("does not answer").is_visible()
    page.wait_for_timeout(2000)  # both parts of the page have been told
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(3000)
    assert [one for one in asked if one.endswith("/live/")] == []


@pytest.mark.django_db(transaction=True)
def test_the_home_page_follows_the_campaign_by_itself(
    page: object,  # noqa: F811
    live_server: object,
) -> None:
    User.objects.create_superuser("rosa", password=PASSWORD)
    log_in(page, live_server.url)
    registered = page.get_by_role("link", name="Registered devices")
    assert "0" in registered.inner_text()
    steps = page.get_by_role("heading", name="The way to the first run")
    assert steps.is_visible()
    undone = page.locator("#h-steps ~ ol a")
    assert undone.count() == 4
    Device.objects.create(serial="A-1", device_type=DeviceType.objects.create(name="S12045(X)"))
    registered.filter(has_text="1").wait_for(timeout=60_000)
    assert undone.count() == 2
