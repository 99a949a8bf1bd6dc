"""People sign at the bench with a badge, and come in with one where that was allowed."""

from __future__ import annotations

import datetime as dt
from types import SimpleNamespace

import pypdfium2
import pytest
import zxingcpp
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from mppcqa.audit.models import Entry
from mppcqa.people.actions import keep_out
from mppcqa.people.badges import find_badge, make_badge, take_back
from mppcqa.people.models import Badge
from mppcqa.people.roles import make_roles
from mppcqa.runs.models import LoadedDevice, Run
from tests.browser.test_campaign import page, sync_api  # noqa: F401
from tests.browser.test_scans import bench  # noqa: F401


@pytest.fixture
def anna(transactional_db: None) -> SimpleNamespace:
    """An operator with a badge."""
    make_roles()
    user = User.objects.create_user("anna")
    user.groups.add(Group.objects.get(name="operator"))
    row, code = make_badge(user, 30, by=user)
    return SimpleNamespace(user=user, badge=row, code=f".BADGE {code}")


@pytest.mark.timeout(300)
def test_a_badge_signs_what_is_scanned_after_it(
    bench: SimpleNamespace,  # noqa: F811
    anna: SimpleNamespace,
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/console/")
    scan(anna.code)
    scan.says("anna")
    page.get_by_text("Signed by anna").wait_for()
    scan("GX-000")
    scan.says("GX-000 → slot 1")
    assert LoadedDevice.objects.get().loaded_by == anna.user
    # By touch as by scan.
    page.get_by_role("button", name="Start", exact=True).last.click()
    scan.says("Started with 1 device")
    assert Run.objects.latest("pk").operator == anna.user
    # Somebody else stands there now, and takes that back.
    other, code = make_badge(bench.user, 30, by=bench.user)
    scan(f".BADGE {code}")
    scan.says(bench.user.username)
    page.get_by_text("Signed by").wait_for(state="hidden")
    scan(".UNDO")
    page.get_by_text("Signed by anna").wait_for()
    scan(".DONE")
    page.get_by_text("Signed by").wait_for(state="hidden")
    assert other.counts


@pytest.mark.timeout(300)
def test_a_badge_opens_where_that_was_allowed_and_nowhere_else(
    bench: SimpleNamespace,  # noqa: F811
    anna: SimpleNamespace,
) -> None:
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/stations/darkbox-1/")
    page.get_by_role("button", name="Let badges log people in at this browser").click()
    page.get_by_text("A badge logs people in at this browser now").wait_for()
    page.context.clear_cookies(name="sessionid")
    page.goto(f"{bench.url}/login/")
    page.get_by_text("Scan your badge, or give").wait_for()
    page.get_by_label("User name").focus()
    scan("GX-001")
    scan.says("Not logged in")
    assert page.get_by_label("User name").input_value() == ""
    scan(anna.code[:-3])
    page.get_by_text("That badge was not read whole").wait_for()
    # Who may more than work at the bench has a password.
    chief = User.objects.create_superuser("chief")
    scan(f".BADGE {make_badge(chief, 30, by=chief)[1]}")
    page.get_by_text("logs in with a password").wait_for()
    scan(anna.code)
    page.wait_for_url("**/stations/darkbox-1/console/", wait_until="commit")
    scan("GX-000")
    scan.says("GX-000 → slot 1")
    assert LoadedDevice.objects.get().loaded_by == anna.user
    # At another browser nobody comes in by it.
    answer = Client().post("/login/badge/", {"code": anna.code}).json()
    assert "log nobody in at this browser" in answer["lines"][0]
    page.context.clear_cookies(name="sessionid")
    take_back(anna.badge, by=anna.user)
    page.goto(f"{bench.url}/login/")
    scan(anna.code)
    page.get_by_text("This badge counts no more").wait_for()


@pytest.mark.timeout(300)
def test_a_card_is_printed_once_and_read(
    bench: SimpleNamespace,  # noqa: F811
) -> None:
    client = Client()
    client.force_login(bench.user)
    card = client.post("/badges/", {"days": "30", "note": "blue"})
    assert card.headers["Cache-Control"] == "no-store"
    document = pypdfium2.PdfDocument(card.content)
    picture = document[0].render(scale=300 / 72).to_pil()
    code = zxingcpp.read_barcodes(picture)[0].text
    assert bench.user.username in document[0].get_textpage().get_text_range()
    document.close()
    assert code.startswith(".BADGE ")
    badge = find_badge(code.removeprefix(".BADGE "))
    assert badge is not None
    assert badge.user == bench.user
    # Neither table nor audit has the code or says its hash.
    secret = code.removeprefix(".BADGE ")
    assert secret not in str(list(Badge.objects.values()))
    entries = str(list(Entry.objects.filter(table="people_badge").values()))
    assert secret not in entries
    assert badge.sha256 not in entries
    # Taken back on the page.
    page, scan = bench.page, bench.scan  # noqa: F811
    page.goto(f"{bench.url}/tokens/")
    page.on("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name=f"Revoke {badge.begins}").click()
    page.get_by_text(f"The badge {badge.begins}… is taken back.").wait_for()
    scan(code)
    page.get_by_text("This badge counts no more").wait_for()


def test_a_badge_that_ends_or_whose_person_is_kept_out_signs_nothing(
    client: Client, operator: User, anna: SimpleNamespace
) -> None:
    client.force_login(operator)

    def scanned(code: str) -> str:
        answer = client.post("/scan/", {"code": code}).json()
        return "\n".join([answer["title"], *answer["lines"], answer["signed"]])

    assert "anna" in scanned(anna.code.lower())
    Badge.objects.update(ends_at=timezone.now() - dt.timedelta(seconds=1))
    assert "anna" not in scanned(".DONE")
    assert "counts no more" in scanned(anna.code)
    Badge.objects.update(ends_at=timezone.now() + dt.timedelta(days=1))
    assert "anna" in scanned(anna.code)
    keep_out(anna.user, by=operator)
    assert "anna" not in scanned(".UNDO")
    assert "counts no more" in scanned(anna.code)
    for wrong in (
        ".BADGE",
        ".BADGE x",
        anna.code + "GX-001",
        anna.code + anna.code,
        ".BADGE " + "A" * 26,
    ):
        told = scanned(wrong)
        assert "Not done" in told
        assert anna.code[7:] not in told
