"""Two people at one thing, and a session that ends while somebody types, in a real browser."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from mppcqa.inventory.models import Comment, Device, Institute
from tests.browser.test_campaign import PASSWORD, log_in, page, sync_api  # noqa: F401

EDIT = "/devices/GX-000/edit/"


@pytest.fixture
def people(transactional_db: None, campaign: SimpleNamespace, operator: User) -> SimpleNamespace:
    operator.set_password(PASSWORD)
    operator.save()
    User.objects.create_superuser("ana", password=PASSWORD)
    Institute.objects.create(name="Orsay")
    return campaign


def enter(page: object, name: str) -> None:  # noqa: F811
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


@pytest.mark.timeout(600)
def test_the_second_of_two_sees_both_and_chooses(
    live_server: object,
    people: SimpleNamespace,
    page: object,  # noqa: F811
) -> None:
    log_in(page, live_server.url)
    other = page.context.browser.new_context().new_page()
    other.set_default_timeout(60_000)
    other.goto(live_server.url)
    enter(other, "ana")
    other.get_by_role("heading", name="Campaign").wait_for()
    for one in (page, other):
        one.goto(f"{live_server.url}{EDIT}")
    other.get_by_label("Location").select_option("Orsay")
    other.get_by_role("button", name="Save").click()
    other.get_by_role("heading", name="GX-000").wait_for()
    page.get_by_label("Row in the tray").fill("3")
    page.get_by_label("Column in the tray").fill("4")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Changed meanwhile").wait_for()
    page.get_by_text("ana saved this at").wait_for()
    assert Device.objects.get(serial="GX-000").tray_row == 0
    # Her place is chosen beforehand, as rosa did not touch it; rosa's position is kept.
    assert page.get_by_role("radio", name="Orsay").is_checked()
    assert page.get_by_role("radio", name="3").is_checked()
    page.get_by_role("button", name="Go on with what is chosen").click()
    page.get_by_role("heading", name="GX-000").wait_for()
    device = Device.objects.get(serial="GX-000")
    assert (device.location.name, device.tray_row, device.tray_column) == ("Orsay", 3, 4)


@pytest.mark.timeout(600)
def test_who_is_logged_out_while_typing_logs_in_and_goes_on(
    live_server: object,
    people: SimpleNamespace,
    page: object,  # noqa: F811
) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}/devices/GX-000/")
    page.get_by_label("New comment").fill("first line\nsecond <b>line")
    Session.objects.all().delete()
    # A live part learns it first, and leaves the page and what is typed as they are.
    page.evaluate(
        "() => htmx.ajax('GET', '/notices/bell/',"
        " {source: document.querySelector('[hx-get=\"/notices/bell/\"]')})"
    )
    page.get_by_text("this page no longer follows what happens").wait_for()
    page.get_by_role("button", name="Save comment").click()
    page.get_by_text("what you typed is kept").wait_for()
    enter(page, "rosa")
    page.get_by_role("heading", name="Not saved yet").wait_for()
    page.get_by_text("second <b>line").wait_for()
    assert not Comment.objects.exists()
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("heading", name="GX-000").wait_for()
    assert Comment.objects.get().text.splitlines() == ["first line", "second <b>line"]


@pytest.mark.timeout(600)
def test_who_logged_in_anew_in_another_tab_sends_again(
    live_server: object,
    people: SimpleNamespace,
    page: object,  # noqa: F811
) -> None:
    log_in(page, live_server.url)
    page.goto(f"{live_server.url}{EDIT}")
    page.get_by_label("Lot").fill("L1")
    tab = page.context.new_page()
    tab.goto(live_server.url)
    tab.get_by_role("button", name="rosa").first.click()
    tab.get_by_role("button", name="Log out").first.click()
    enter(tab, "rosa")
    tab.get_by_role("heading", name="Campaign").wait_for()
    page.get_by_label("Row in the tray").fill("2")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Not saved yet").wait_for()
    page.get_by_role("button", name="Send again").click()
    page.get_by_role("heading", name="GX-000").wait_for()
    assert Device.objects.get(serial="GX-000").tray_row == 2


@pytest.mark.timeout(600)
def test_the_right_password_after_five_wrong_ones_is_refused_and_that_is_told(
    live_server: object,
    people: SimpleNamespace,
    page: object,  # noqa: F811
) -> None:
    page.set_default_timeout(60_000)
    page.goto(live_server.url)
    for number in range(5):
        page.get_by_label("User name").fill("rosa")
        page.get_by_label("Password").fill(f"guess {number}")
        page.get_by_role("button", name="Log in").click()
        page.get_by_text("The user name or the password is wrong.").wait_for()
    enter(page, "rosa")
    page.get_by_text("Too many wrong passwords").wait_for()
    page.goto(live_server.url)
    page.get_by_label("User name").wait_for()
