"""The documentation as it is served: built, read and searched in a browser under its own policy."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

from mppcqa.home import CHECKOUT
from mppcqa.web.documentation import views
from tests.browser.test_access import REFUSED
from tests.browser.test_campaign import page, sync_api  # noqa: F401

PAGES = ("", "tutorial/", "physics/", "trays/", "how-to/notebook/", "reference/settings/")
PAGES += ("reference/api/", "operations/", "deployment/", "es/", "es/tutorial/")


@pytest.fixture(scope="module")
def docs_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That of an installed wheel; of a checkout, what it holds now."""
    if (views.INSTALLED / "index.html").is_file():
        return views.INSTALLED
    sys.path.insert(0, str(CHECKOUT / "tools"))
    folder = tmp_path_factory.mktemp("docs")
    importlib.import_module("build_docs").build(folder)
    return folder


@pytest.mark.timeout(600)
def test_no_page_of_the_documentation_meets_its_policy_and_it_is_searched(
    live_server: Any,
    docs_site: Path,
    monkeypatch: pytest.MonkeyPatch,
    page: Any,  # noqa: F811
) -> None:
    monkeypatch.setattr(views, "INSTALLED", docs_site)
    page.set_default_timeout(60_000)
    page.add_init_script(REFUSED)
    for place in PAGES:
        answer = page.goto(f"{live_server.url}/docs/{place}")
        policy = answer.headers["content-security-policy"]
        assert "style-src 'self';" in policy
        assert "unsafe-inline" not in policy
        page.get_by_role("heading", level=1).first.wait_for()
        assert page.evaluate("() => window.refused ?? []") == [], place
    page.goto(f"{live_server.url}/docs/")
    page.get_by_title("Dark").click()
    assert page.evaluate("() => document.body.dataset.mdColorScheme") == "slate"
    page.get_by_role("textbox", name="Search").fill("second factor")
    page.locator(".md-search-result__link:visible").first.click()
    page.wait_for_url("**/docs/*/**")
    page.get_by_role("heading", level=1).first.wait_for()
    assert page.evaluate("() => window.refused ?? []") == []
