"""What was changed of a thing, in words: the audit's entries as a reader understands them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from mppcqa.audit.models import Action, Change, Entry, Waiting

LISTED = 50
MOST = 200
"""Characters of a value."""


@dataclass(frozen=True)
class Line:
    """A column that changed."""

    title: str
    before: str
    after: str


@dataclass(frozen=True)
class Told:
    """One entry."""

    at: dt.datetime
    text: str
    """Made, changed, removed."""
    who: str
    why: str
    where: str
    """Address and request, command or task; for administrators."""
    lines: tuple[Line, ...]
    entry: int | None
    """Place in the chain; None while it waits for the seal."""


def changes_of(model: type[models.Model], pk: Any) -> list[Told]:
    """The latest entries on a row, the newest first: three questions and one a kind of name."""
    table = model._meta.db_table
    rows: list[Change] = []
    for kind in (Waiting, Entry):
        found = kind._default_manager.filter(table=table, row=str(pk)).order_by("-pk")
        rows += list(found[: LISTED - len(rows)])
    names = _Names(model, rows)
    return [_told(model, row, names) for row in rows]


def last_change(model: type[models.Model], pk: Any) -> tuple[str, dt.datetime] | None:
    """Who changed a row last, and when; None where the audit has nothing of it."""
    table = model._meta.db_table
    for kind in (Waiting, Entry):
        found = kind._default_manager.filter(table=table, row=str(pk)).order_by("-pk").first()
        if found is not None:
            return _who(found), found.at
    return None


def _who(row: Change) -> str:
    if row.source is None:
        return _("outside the program")
    return str(_read(row.source).get("name") or _("the program"))


def _told(model: type[models.Model], row: Change, names: _Names) -> Told:
    source = _read(row.source)
    before, after = _read(row.before), _read(row.after)
    columns = after if row.action == Action.UPDATE else {}
    return Told(
        at=row.at,
        text={"I": _("Made"), "U": _("Changed"), "D": _("Removed")}.get(row.action, row.action),
        who=_who(row),
        why=str(source.get("why", "")),
        where=str(source.get("where", "")),
        lines=tuple(
            Line(names.title(column), names.shown(column, before.get(column)),
                 names.shown(column, after.get(column)))
            for column in columns
        ),
        entry=row.pk if isinstance(row, Entry) else None,
    )  # fmt: skip


def _read(text: str | None) -> dict[str, Any]:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


class _Names:
    """Columns by their titles, keys by what they lead to, choices by their words."""

    def __init__(self, model: type[models.Model], rows: Iterable[Change]) -> None:
        self._fields = {field.column: field for field in model._meta.concrete_fields}
        wanted: dict[str, set[str]] = {}
        for row in rows:
            if row.action == Action.UPDATE:
                for side in (_read(row.before), _read(row.after)):
                    for column, value in side.items():
                        field = self._fields.get(column)
                        if value is not None and field is not None and field.is_relation:
                            wanted.setdefault(column, set()).add(str(value))
        self._told: dict[str, dict[str, str]] = {}
        for column, keys in wanted.items():
            there: Any = self._fields[column].related_model
            found = there._base_manager.in_bulk([key for key in keys if key.isdecimal()])
            self._told[column] = {str(key): str(row) for key, row in found.items()}

    def title(self, column: str) -> str:
        field = self._fields.get(column)
        text = str(getattr(field, "verbose_name", column)) if field is not None else column
        return text[:1].upper() + text[1:]

    def shown(self, column: str, value: Any) -> str:
        if value is None or value == "":
            return "—"
        text, field = str(value), self._fields.get(column)
        if text == "***":
            return _("not shown")
        if field is None:
            return text[:MOST]
        if field.is_relation:
            return self._told.get(column, {}).get(text, f"#{text}")
        if isinstance(field, models.BooleanField):
            return _("yes") if text in ("1", "True") else _("no")
        if field.choices:
            text = str(dict(field.flatchoices).get(value, text))
        return text if len(text) <= MOST else f"{text[:MOST]}…"
