"""Files that come with the program, and pages, go out in few bytes and are kept for good."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from fontTools.ttLib import TTFont

import mppcqa.web
from mppcqa.web import looks
from mppcqa.web.addresses import static_address
from mppcqa.web.catalogue.entries import ENTRIES
from mppcqa.web.menu import MENU
from mppcqa.web.statics import FOR_GOOD

pytestmark = pytest.mark.django_db  # a file that is closed looks after connections
ICON = re.compile(r"""\.ti-([a-z0-9-]+):before\{content:"\\([0-9a-f]+)"\}""")
NAMED = re.compile(r"""icon\("([a-z0-9-]+)\"""")
ALONE = re.compile(r"[},{]\.([a-z][a-z0-9_-]*)(?=[,{:])")
"""A class that is styled by itself."""
CLASSES = re.compile(r"""class="([^"{]*)""")
READS = {"HTTP_ACCEPT_ENCODING": "gzip, deflate, br"}


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_HOME = tmp_path


def test_every_icon_that_pages_name_is_in_their_font() -> None:
    style = finders.find("vendor/tabler-icons/tabler-icons.min.css")
    assert isinstance(style, str), "run: make env"
    codes = dict(ICON.findall(Path(style).read_text(encoding="utf-8")))
    drawn = TTFont(Path(style).with_name("tabler-icons.woff2")).getBestCmap()
    pages = Path(mppcqa.web.__file__).parent.rglob("*.html")
    named = {icon for page in pages for icon in NAMED.findall(page.read_text(encoding="utf-8"))}
    named |= {icon for _heading, entries in MENU for _page, icon, _title in entries}
    named |= {icon for icon, _states in looks.KINDS.values()} | set(looks.EVENTS.values())
    named |= {entry.icon for entry in ENTRIES.values()}
    assert len(named) > 80
    assert not [icon for icon in sorted(named) if int(codes.get(icon, "0"), 16) not in drawn], (
        "run: make styles"
    )


def test_every_rule_for_what_pages_name_is_in_their_style() -> None:
    """And little else: what a browser goes through is a third of what Tabler has."""
    made = finders.find("vendor/tabler/css/tabler.min.css")
    assert isinstance(made, str), "run: make env"
    whole = Path("node_modules/@tabler/core/dist/css/tabler.min.css").read_text(encoding="utf-8")
    lesser = Path(made).read_text(encoding="utf-8")
    there, kept = set(ALONE.findall(whole)), set(ALONE.findall(lesser))
    pages = Path(mppcqa.web.__file__).parent.rglob("*.html")
    texts = [page.read_text(encoding="utf-8") for page in pages]
    named = {word for text in texts for said in CLASSES.findall(text) for word in said.split()}
    assert len(named & there) > 100
    assert sorted(named & there - kept) == [], "run: make styles"
    # What its script puts on elements, and what pages put together.
    assert {"collapsing", "modal-backdrop", "btn-primary"} <= kept
    assert len(lesser) < 0.35 * len(whole)
    assert "Licensed under MIT" in lesser


def test_a_file_is_compressed_and_kept_for_good_by_its_version(tmp_path: Path) -> None:
    address = static_address("web/app.css")
    assert re.fullmatch(r"/static/web/app\.css\?v=[0-9a-f]{10}", address)
    found = finders.find("web/app.css")
    assert isinstance(found, str)
    plain = Path(found).read_bytes()
    client = Client()
    for _again in range(2):
        answer = client.get(address, **READS)
        assert answer.headers["Content-Encoding"] == "gzip"
        assert answer.headers["Cache-Control"] == FOR_GOOD
        assert "Accept-Encoding" in answer.headers["Vary"]
        body = b"".join(answer.streaming_content)
        assert gzip.decompress(body) == plain
        assert len(body) < len(plain) / 2
        assert int(answer.headers["Content-Length"]) == len(body)
    answer = client.get(address)
    assert b"".join(answer.streaming_content) == plain
    assert "Content-Encoding" not in answer.headers
    unversioned = client.get("/static/web/app.css")
    unversioned.close()
    assert "immutable" not in unversioned.headers["Cache-Control"]
    assert [path.suffix for path in (tmp_path / "compressed").iterdir()] == [".gz"]


def test_a_home_that_takes_no_file_serves_it_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "compressed").write_text("in the way")
    answer = Client().get("/static/web/app.js", **READS)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers
    assert b"use strict" in b"".join(answer.streaming_content)


def test_pages_are_compressed_and_downloads_are_not(
    browser_client: Client, campaign: SimpleNamespace, loaded: object
) -> None:
    address = f"/devices/{campaign.devices[0].serial}/"
    plain = browser_client.get(address).content
    answer = browser_client.get(address, **READS)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.content) < len(plain) / 3
    assert b"<h1" in gzip.decompress(answer.content)
    file = browser_client.get(f"/files/{campaign.run.files.earliest('pk').pk}/", **READS)
    file.close()
    assert "Content-Encoding" not in file.headers


def test_each_file_of_a_page_is_asked_for_by_its_version(
    browser_client: Client, campaign: SimpleNamespace
) -> None:
    page = browser_client.get("/").content.decode()
    ours = re.findall(r'(?:src|href)="(/static/(?:web|vendor)/[^"]+)"', page)
    assert len(ours) > 4
    assert all("?v=" in one for one in ours)
