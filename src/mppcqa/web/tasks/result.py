"""What a task returned, as people read it: links to what it made, facts, and tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _

from mppcqa.queue.untrusted import redact_json
from mppcqa.web.asking.fields import seen_rows

MADE = {
    "run": ("runs.run", "run"),
    "report": ("reports.report", "report"),
    "export": ("exchange.export", "export"),
    "bundle": ("bundles.bundle", "bundle"),
}
"""Key of a result that is a row's, its table, and the name of its page."""
SHOWN = 200
"""Rows of a table on the page; the log has the rest."""


@dataclass(frozen=True)
class Made:
    """Something with a page of its own."""

    text: str
    url: str


@dataclass(frozen=True)
class Table:
    """A part of a result that has many alike."""

    title: str
    heads: list[str]
    rows: list[list[str]]
    more: int


@dataclass
class Result:
    """What a task returned."""

    links: list[Made] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)


def shown(result: Any, viewer: Any) -> Result | None:
    """A result for a page; None where there is nothing to say."""
    result = redact_json(result)
    if result in (None, {}, [], ""):
        return None
    if not isinstance(result, dict):
        result = {_("Result"): result}
    found = Result()
    for name, value in result.items():
        if name in MADE and isinstance(value, int) and (link := _link(name, value, viewer)):
            found.links.append(link)
        elif isinstance(value, dict) and value:
            found.tables.append(_table(name, list(value.items())))
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            found.tables.append(_of_records(name, value))
        else:
            found.facts.append((_words(name), _text(value)))
    return found


def _words(name: str) -> str:
    return str(name).replace("_", " ")


def _text(value: Any) -> str:
    if value is None:
        return "—"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return ", ".join(_text(one) for one in value[:SHOWN])
    if isinstance(value, dict):
        return "; ".join(f"{_words(name)}: {_text(one)}" for name, one in value.items())
    return f"{value:g}" if isinstance(value, float) else str(value)


def _table(title: str, items: list[tuple[str, Any]]) -> Table:
    """One line a name; columns where each has the same parts."""
    keys = list(items[0][1]) if isinstance(items[0][1], dict) else []
    if keys and all(isinstance(one, dict) and list(one) == keys for _name, one in items):
        rows = [[name, *(_text(one[key]) for key in keys)] for name, one in items[:SHOWN]]
        heads = [_words(title), *(_words(key) for key in keys)]
    else:
        rows = [[str(name), _text(one)] for name, one in items[:SHOWN]]
        heads = [_words(title), ""]
    return Table(_words(title), heads, rows, max(0, len(items) - SHOWN))


def _of_records(title: str, records: list[Any]) -> Table:
    keys = list(records[0])
    rows = [
        [_text(one.get(key)) if isinstance(one, dict) else _text(one) for key in keys]
        for one in records[:SHOWN]
    ]
    return Table(_words(title), [_words(key) for key in keys], rows, max(0, len(records) - SHOWN))


def _link(name: str, key: int, viewer: Any) -> Made | None:
    label, page = MADE[name]
    row = seen_rows(label, viewer).filter(pk=key).first()
    return None if row is None else Made(str(row), reverse(page, args=[key]))
