"""A list in a real browser: by keyboard, on a telephone's screen, in both languages."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.states import DeviceState
from tests.browser.test_campaign import PASSWORD, page  # noqa: F401 (a fixture)
from tests.campaign import make_campaign

LISTS = ("/devices/", "/runs/", "/queue/", "/stations/", "/trays/", "/imports/", "/limits/")


@pytest.mark.django_db(transaction=True)
def test_a_list_is_sorted_chosen_and_acted_on(page: object, live_server: object) -> None:  # noqa: F811
    user = User.objects.create_superuser("root", "root@example.org", PASSWORD)
    campaign = make_campaign(user, devices=4)
    place = Institute.objects.create(name="Aachen")
    Device.objects.bulk_create(
        Device(serial=f"M-{n:03d}", device_type=campaign.kind, location=place if n % 3 else None)
        for n in range(60)
    )
    page.goto(f"{live_server.url}/login/")
    page.fill("input[name=login]", "root")
    page.fill("input[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{live_server.url}/")
    page.set_viewport_size({"width": 390, "height": 844})
    for language in ("es", "en"):
        page.context.add_cookies(
            [{"name": "django_language", "value": language, "url": live_server.url}]
        )
        for path in LISTS:
            page.goto(live_server.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= 390, (path, language)
    page.goto(f"{live_server.url}/devices/?q=M-")
    page.get_by_label("Sorted by").select_option("-where")
    page.wait_for_url("**sort=-where**")
    page.set_viewport_size({"width": 1300, "height": 900})
    assert page.locator("th[aria-sort=descending]").inner_text().strip() == "Where"
    page.get_by_role("button", name="Columns").focus()
    page.keyboard.press("Enter")
    menu = page.locator(".dropdown-menu.show")
    menu.get_by_label("Type").focus()
    page.keyboard.press("Space")
    menu.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**columns=**")
    heads = [text.strip() for text in page.locator("thead th").all_inner_texts()]
    assert "Type" not in heads
    assert "Where" in heads
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
        page.locator(".dropdown-menu.show").get_by_text("CSV").first.click()
    lines = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 61
    assert lines[1].split(",")[0].strip('"') == "M-059"
    page.get_by_label("Choose all on this page").focus()
    page.keyboard.press("Space")
    page.get_by_label("With the chosen rows").select_option("install")
    page.get_by_role("button", name="Look first").press("Enter")
    page.get_by_text("50 rows").wait_for()
    assert not Device.objects.filter(state=DeviceState.INSTALLED).exists()
    page.get_by_role("button", name="Install").press("Enter")
    page.get_by_text("50 devices are").wait_for()
    assert Device.objects.filter(state=DeviceState.INSTALLED).count() == 50
