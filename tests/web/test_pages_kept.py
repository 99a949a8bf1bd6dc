"""Pages say what they said: who changes it says so, by recording it.

Texts, where links and forms lead and what these send of every page of a campaign. Moments, numbers
of rows, and what the computer says of itself are left out.
``MPPCQA_RECORD=1 pytest tests/web/test_pages_kept.py`` writes `pages.json` anew; what changed
in it is read before it is committed.
"""

from __future__ import annotations

import datetime as dt
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.test import Client
from django.utils import timezone

from mppcqa.queue.models import Worker
from tests.kept import Kept
from tests.web.test_pages import addresses

KEPT = Kept(Path(__file__).with_name("pages.json"))
VOID = frozenset(("br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"))
TOLD = ("href", "action", "name", "value", "type", "aria-label", "placeholder", "title", "class")
FLAGS = ("required", "checked", "selected", "disabled", "multiple")
OTHERWISE = ("about", "run_file", "schedule", "task", "worker")
"""How names of pages begin that are not held: that of the computer itself, what is no page, and the
queue's, which list the routines of other tests and workers who fall silent."""


class Told(HTMLParser):
    """What stands in the main part of a page, a line each."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        got = dict(attrs)
        said = [f"{key}={got[key]}" for key in TOLD if got.get(key) and key != "class"]
        said += [key for key in FLAGS if key in got]
        if "state" in (got.get("class") or "").split():
            said.append(f"class={got['class']}")
        if said and self._within() and got.get("name") != "csrfmiddlewaretoken":
            self.lines.append(f"<{tag} {' '.join(said)}>")

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        text = " ".join(data.split())
        if text and self._within():
            self.lines.append(text)

    def _within(self) -> bool:
        hidden = any(one in self.open for one in ("script", "style", "svg", "head"))
        return not hidden and ("main" in self.open or "html" not in self.open)


MOMENT = re.compile(
    r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?Z?"
    r"|\b\d{2}:\d{2}(?::\d{2})?\b|\b\d{4}-W\d{2}\b"
)
LONG = re.compile(
    r"\b[0-9a-f]{8}-[0-9a-f-]{27}\b|(?<!\.)\b[0-9a-f]{10,}\b|(?:[0-9a-f]{4} ){9}[0-9a-f]{4}"
    r"|/(?:tmp|dev)/\S+"
)
BY = re.compile(r"\s*(?:[\w.-]+ )?\([\w.-]+@[\w.-]+\)")
SPAN = re.compile(r"\b\d+(?:\.\d+)?\s(?:ms|s|min|h|d|seconds?|minutes?|hours?|days?)\b")
OF_ROW = re.compile(r"\b((?:Run|Task|task|Analysis) |run-)\d+")
NUMBER = re.compile(r"(?<![\w.,])\d{4,}(?![\d.,]*\d)")
"""Of a row, wherever it stands: those of tests begin beyond a thousand."""
WHOLE = re.compile(r"(?<![\d.,])\d+(?![\d.,]*\d)")


def plain(line: str) -> str:
    """Without what differs from one day or one database to the other."""
    for pattern, what in (
        (BY, " (PROGRAM)"),
        (MOMENT, "MOMENT"),
        (LONG, "LONG"),
        (SPAN, "SPAN"),
        (OF_ROW, r"\1N"),
        (NUMBER, "N"),
    ):
        line = pattern.sub(what, line)
    return WHOLE.sub("N", line) if line.startswith("<") else line


def told(client: Client, address: str) -> list[str]:
    parser = Told()
    parser.feed(client.get(address).content.decode())
    return [plain(line) for line in parser.lines]


@pytest.mark.parametrize("language", ["en"])
def test_every_page_says_what_it_said(
    browser_client: Client, campaign: SimpleNamespace, loaded: object, language: str
) -> None:
    browser_client.cookies.load({"django_language": language})
    pages = addresses(campaign)
    # However slow the test: a worker that is silent changes what pages say of tasks.
    Worker.objects.update(heartbeat_at=timezone.now() + dt.timedelta(days=1))
    found = {
        name: told(browser_client, address)
        for name, address in pages.items()
        if not name.startswith(OTHERWISE)
    }
    KEPT.hold_all(language, found)
