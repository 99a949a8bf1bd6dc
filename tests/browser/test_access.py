"""Pages that everybody can use: with a screen reader, in the dark, on the phone at the bench."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from mppcqa.home import CHECKOUT
from tests.browser.scanner import Scanner
from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.web.conftest import loaded  # noqa: F401
from tests.web.test_pages import FRAGMENTS, addresses

AXE = CHECKOUT / "node_modules/axe-core/axe.min.js"
# The rules of WCAG 2.2 at levels A and AA; after a change of colours only the contrast is new.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
FAULTS = """async (only) => (await axe.run(document, {runOnly: only, resultTypes: ["violations"]}))
    .violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(" ")} ${node.any.map(check => check.message)[0] ?? ""}`))"""
WIDER = "() => document.scrollingElement.scrollWidth - window.innerWidth"
LOADED = ("station", "console")
"""Pages on which an action means their own station."""
PIECES = ("live", "log", "file", *FRAGMENTS)
SHARES = 5
"""Parts of the pages, which are looked at side by side."""


def _faults(page: Any) -> list[str]:  # noqa: F811
    """What is wrong by light and by dark, and leaves it dark no longer."""
    faults = page.evaluate(FAULTS, {"type": "tag", "values": RULES})
    page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'dark')")
    dark = page.evaluate(FAULTS, {"type": "rule", "values": ["color-contrast"]})
    page.evaluate("document.documentElement.setAttribute('data-bs-theme', 'light')")
    faults += [f"dark: {fault}" for fault in dark]
    if (pixels := page.evaluate(WIDER)) > 0:
        faults.append(f"{pixels} pixels wider than a phone")
    return list(faults)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("share", range(SHARES))
def test_every_page_is_accessible_in_both_themes_fits_a_phone_and_takes_a_scan(
    live_server: object,
    transactional_db: None,
    campaign: SimpleNamespace,
    loaded: object,  # noqa: F811
    operator: User,
    page: object,  # noqa: F811
    share: int,
) -> None:
    operator.set_password(PASSWORD)
    operator.save()
    page.set_viewport_size({"width": 390, "height": 844})
    page.emulate_media(reduced_motion="reduce")  # no colour is caught on its way to another
    scan, found = Scanner(page), {}
    pages = [
        (name, address)
        for name, address in addresses(campaign).items()
        if not any(piece in name for piece in PIECES)
    ]
    for at, (name, address) in enumerate([("login", "/login/"), *pages[share::SHARES]]):
        page.goto(f"{live_server.url}{address}")
        page.evaluate(AXE.read_text())
        faults = _faults(page)
        if name != "login" and not any(piece in name for piece in LOADED):
            scan(".STOP")
            scan.says("Not done")
            page.get_by_text("Of which station?").wait_for()
            # The answer is the same on each page.
            faults += _faults(page) if at % 9 == 0 else []
        if faults:
            found[name] = faults
        if name == "login":
            page.get_by_label("User name").fill(operator.username)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("heading", name="Campaign").wait_for()
    assert not found, "\n".join(f"{name}: {fault}" for name in found for fault in found[name])
