"""Scripts in every text that a package may bring, on every page where such texts stand.

A stage, a kind of record, a report, a format, a label printer: each says what it is called, its
units, its helps and reasons. Here all that are installed say a script in each of these, the
built-in ones too, so that the pages that show their devices, values, limits and charts show it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest
from django.test import Client
from django.utils.functional import Promise

from mppcqa.reports.kinds import report_kinds
from tests.attacks.test_reflected import LEADS, RUNS, WORD
from tests.attacks.test_stored import SCRIPTS
from tests.web.test_plugins import LISTS

TEXTS = {
    *("title", "description", "help", "symbol", "unit", "display_unit", "reason", "instruction"),
    *("words", "stands_for", "off_words", "on_words", "told", "heading"),
}
"""Fields that are words for people; all others name things to the program."""
AREAS = 8


def brought() -> Iterator[Any]:
    """All that packages may bring, with all that it is made of: each dataclass once."""
    seen: set[int] = set()
    todo: list[Any] = [one() for one in LISTS]
    while todo:
        one = todo.pop()
        if id(one) in seen or isinstance(one, str | bytes | Promise):
            continue
        seen.add(id(one))
        if isinstance(one, Mapping):
            todo += one.values()
        elif isinstance(one, Iterable) and not isinstance(one, Iterator):
            todo += one
        elif dataclasses.is_dataclass(one) and not isinstance(one, type):
            todo += [getattr(one, field.name) for field in dataclasses.fields(one)]
            yield one


@pytest.fixture
def evil(request: pytest.FixtureRequest) -> Iterator[Counter[str]]:
    """Every text of theirs is a script within; how many of which kind."""
    kept, counts = [], Counter[str]()
    for one in brought():
        for field in dataclasses.fields(one):
            old = getattr(one, field.name)
            if field.name in TEXTS and isinstance(old, str | Promise) and str(old):
                kept.append((one, field.name, old))
                new = str(old) + request.param if "{" in str(old) else request.param
                object.__setattr__(one, field.name, new)
                counts[type(one).__name__] += 1
    yield counts
    for one, name, old in kept:
        object.__setattr__(one, name, old)


@pytest.mark.parametrize("evil", SCRIPTS, indirect=True)
def test_no_text_of_a_package_becomes_a_script_on_any_page(
    browser_client: Client, world: dict[str, Any], evil: Counter[str], tried: list[int]
) -> None:
    for kind in ("DeclaredStage", "Quantity", "Axis", "Parameter", "Chart", "RecordKind", "Writer"):
        assert evil[kind], f"{kind} has texts"
    assert len(report_kinds()) > 1
    wrong, shown = [], Counter[str]()
    for address in world["pages"]:
        answer = browser_client.get(address)
        body = b"".join(answer) if answer.streaming else answer.content
        text = body.decode(errors="replace")
        assert answer.status_code < 500, f"{address}: {text[-500:]}"
        if "html" not in answer.headers["Content-Type"]:
            continue
        shown[address.split("/")[1]] += WORD in text
        wrong += [
            f"{address}: {text[max(0, found.start() - 80) : found.end()]!r}"
            for found in (RUNS.search(text), LEADS.search(text))
            if found
        ]
    tried.append(sum(evil.values()) * len(world["pages"]))
    assert not wrong, "\n".join(wrong)
    areas = [area for area, n in shown.items() if n]
    assert len(areas) >= AREAS, f"such texts stand in {areas} alone"
