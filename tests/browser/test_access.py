"""Pages that everybody can use: with a screen reader, in the dark, on the phone at the bench."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User

from tests.browser.scanner import Scanner
from tests.browser.test_campaign import PASSWORD, page, sync_api  # noqa: F401
from tests.thoroughness import THOROUGH
from tests.web.conftest import loaded  # noqa: F401
from tests.web.test_pages import FRAGMENTS, addresses

AXE = Path(__file__).resolve().parents[2] / "node_modules/axe-core/axe.min.js"
# The rules of WCAG 2.2 at levels A and AA; after a change of colours only the contrast is new. No
# style sheet is fetched anew (preload): that serves one rule, about styles that turn the page.
RULES = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
CONTRAST = {"type": "rule", "values": ["color-contrast"]}
FAULTS = """async (only) => (await axe.run(
        document, {runOnly: only, resultTypes: ["violations"], preload: false}))
    .violations.flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(" ")} ${node.any.map(check => check.message)[0] ?? ""}`))"""
REFUSED = """document.addEventListener("securitypolicyviolation", it => {
    (window.refused ??= []).push(`${it.effectiveDirective} refuses ${it.blockedURI} ${it.sample}`);
})"""
"""What the page's own policy refuses of it: a script or a style that stands in it, another host."""
EMPTY = """() => [...document.querySelectorAll(".ti")]
    .filter(it => getComputedStyle(it, "::before").content === "none")
    .map(it => `no such icon: ${it.className}`)"""
WIDER = "() => document.scrollingElement.scrollWidth - window.innerWidth"
LOADED = ("station", "console")
"""Pages on which an action means their own station."""
PHONE = {"width": 390, "height": 844}
PIECES = ("live", "log", "file", *FRAGMENTS)
WIDER_SCREENS = ((1400, 900), (3840, 2160)) if THOROUGH else ()
SHARES = 5
"""Parts of the pages, which are looked at side by side."""


def faults_of(page: Any, dark_first: bool = False) -> list[str]:  # noqa: F811
    """What is wrong by light and by dark, or by the one of them alone; leaves it light."""
    faults = []
    for dark in (dark_first, not dark_first) if THOROUGH else (dark_first,):
        paint(page, "dark" if dark else "light")
        # Colours apart, a page of the other theme is the same page.
        found = page.evaluate(FAULTS, RULES if dark == dark_first else CONTRAST)
        faults += [f"{'dark' if dark else 'light'}: {fault}" for fault in found]
    paint(page, "light")
    faults += page.evaluate("() => window.refused ?? []") + page.evaluate(EMPTY)
    if (pixels := page.evaluate(WIDER)) > 0:
        faults.append(f"{pixels} pixels wider than the screen")
    return faults


def paint(page: Any, theme: str) -> None:  # noqa: F811
    page.evaluate("(it) => document.documentElement.setAttribute('data-bs-theme', it)", theme)


def asked(at: int) -> bool:
    """Whether a page is scanned on: each before a release, some of them each time."""
    return THOROUGH or at % 3 == 1


def faults_on_wider_screens(page: Any) -> list[str]:  # noqa: F811
    """What is wrong at a desk and on a wall, and leaves the page on a phone."""
    faults = []
    for width, height in WIDER_SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        faults += [f"{width} pixels: {fault}" for fault in faults_of(page)]
    page.set_viewport_size(PHONE)
    return faults


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
    page.set_viewport_size(PHONE)
    page.emulate_media(reduced_motion="reduce")  # no colour is caught on its way to another
    page.add_init_script(REFUSED)
    scan, found = Scanner(page), {}
    pages = [
        (name, address)
        for name, address in addresses(campaign).items()
        if not any(piece in name for piece in PIECES)
    ]
    for at, (name, address) in enumerate([("login", "/login/"), *pages[share::SHARES]]):
        page.goto(f"{live_server.url}{address}")
        page.evaluate(AXE.read_text())
        # Each time half of the pages by light, the others by dark; all by both before a release.
        faults = faults_of(page, dark_first=at % 2 == 1) + faults_on_wider_screens(page)
        if name != "login" and not any(piece in name for piece in LOADED) and asked(at):
            scan(".STOP")
            scan.says("Not done")
            page.get_by_text("Of which station?").wait_for()
            # The answer is the same on each page.
            faults += faults_of(page, dark_first=at % 2 == 1) if at % 9 == 1 else []
        if faults:
            found[name] = faults
        if name == "login":
            page.get_by_label("User name").fill(operator.username)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Log in").click()
            page.get_by_role("heading", name="Campaign").wait_for()
    assert not found, "\n".join(f"{name}: {fault}" for name in found for fault in found[name])
