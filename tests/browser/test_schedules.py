"""The nightly run and the repeat with another argument, in a real browser, counted in touches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django_celery_beat.models import PeriodicTask

import tests.queue.routines  # noqa: F401
from mppcqa.queue import submit
from mppcqa.queue.models import State, Task
from mppcqa.queue.schedules import arguments_of
from tests.browser.test_campaign import PASSWORD, page  # noqa: F401 (a fixture)
from tests.campaign import make_campaign


def seen(page: object, name: str) -> None:  # noqa: F811
    """A picture of the page at both widths, light and dark, for who looks (not a test)."""
    if not (folder := os.environ.get("MPPCQA_PICTURES")):
        return
    for width in (390, 1400):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 900})
            page.evaluate(f"document.documentElement.dataset.bsTheme = '{scheme}'")
            page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1400, "height": 900})


@pytest.mark.django_db(transaction=True)
def test_a_nightly_run_is_four_touches_and_a_repeat_says_what_changed(
    page: object,  # noqa: F811
    live_server: object,
) -> None:
    user = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    campaign = make_campaign(user, devices=4)
    station = campaign.stations[1]
    page.goto(f"{live_server.url}/login/")
    page.fill("input[name=login]", "root")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")
    touches = 0
    for step in (
        page.locator("nav, aside").get_by_role("link", name="Stations", exact=True).first,
        page.locator("main, .page-body").get_by_role("link", name=station.name).first,
        page.get_by_role("link", name="Every night"),
    ):
        step.click()
        touches += 1
    assert page.locator(".due-daily").is_visible()
    assert not page.locator(".due-crontab").is_visible()
    seen(page, "nightly")
    page.get_by_label("Due").select_option("crontab")
    assert page.locator(".due-crontab").is_visible()
    assert not page.locator("[name=time]").is_visible()
    page.get_by_label("Due").select_option("daily")
    page.get_by_role("button", name="Save").click()
    touches += 1
    page.get_by_text("It has not run yet.").wait_for()
    assert touches == 4
    made = PeriodicTask.objects.latest("id")
    assert arguments_of(made)["station"] == station.pk
    assert (made.crontab.hour, made.crontab.minute) == ("2", "0")
    seen(page, "schedule")
    page.goto(f"{live_server.url}/schedules/")
    seen(page, "schedules")

    task = submit("test.add", {"a": 1, "b": 2}, by=user)
    Task.objects.filter(pk=task.pk).update(
        state=State.SUCCEEDED, result={"sum": 3, "run": campaign.run.pk, "by": {"a": 1, "b": 2}}
    )
    page.goto(f"{live_server.url}/queue/{task.pk}/")
    seen(page, "task")
    page.get_by_role("link", name="With others").click()
    page.get_by_label("Second").fill("40")
    seen(page, "ask")
    page.get_by_role("button", name="Run", exact=True).click()
    page.get_by_text("2 → 40").wait_for()
    assert Task.objects.latest("id").arguments == {"a": 1, "b": 40}
    page.set_viewport_size({"width": 390, "height": 844})
    for language in ("es", "en"):
        page.context.add_cookies(
            [{"name": "django_language", "value": language, "url": live_server.url}]
        )
        for path in (
            "/schedules/",
            f"/schedules/{made.pk}/",
            "/schedules/add/",
            "/schedules/clock/",
            "/queue/new/",
            f"/queue/new/?of={task.pk}",
            f"/queue/{task.pk}/",
        ):
            page.goto(live_server.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, (path, language)
        if language == "es":
            page.goto(f"{live_server.url}/schedules/{made.pk}/")
            seen(page, "schedule-es")
            page.set_viewport_size({"width": 390, "height": 844})
