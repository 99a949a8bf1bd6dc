"""Pages of long lists by key, never by number: the thousandth costs what the first does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict

SIZE = 50
NEAR = 1000
"""Rows among which a full page is looked for first."""


@dataclass(frozen=True)
class Page:
    """Rows of one page, and the keys that its neighbours begin from."""

    rows: list[Any] = field(default_factory=list)
    after: Any = None
    """Key for the link to the next page; None on the last."""
    before: Any = None
    """Key for the link to the previous page; None on the first."""


def keyset_page(
    rows: QuerySet[Any],
    asked: QueryDict,
    *,
    key: str = "pk",
    descending: bool = False,
    size: int = SIZE,
    show: Callable[[QuerySet[Any]], QuerySet[Any]] = lambda rows: rows,
    among: QuerySet[Any] | None = None,
) -> Page:
    """The page that ``?after=KEY`` or ``?before=KEY`` names, of rows with a unique `key`.

    Keys first, then their rows, of which `show` says what is shown (related rows, columns): given
    both at once, MariaDB may join the whole list and sort it (200 ms at 60,000 devices). Rows that
    come as tuples need names, and the key and ``pk`` among them.

    Where many `rows` are left by a filter that knows nothing of the key, all would be sorted for
    one page. With `among`, the rows before that filter, the nearest of these are looked at first.
    """
    field_name = rows.model._meta.pk.name if key == "pk" else key
    clean = rows.model._meta.get_field(field_name).to_python
    start, back = _key(asked.get("after"), clean), _key(asked.get("before"), clean)
    # Backwards from a key it is the same the other way round.
    turned = back is not None
    begin = _Begin(key, back if turned else start, descending != turned)
    found = _rows(rows.model, begin.first(rows, among, size + 1), show)
    more = len(found) > size
    found = found[:size]
    if turned:
        found.reverse()
        return Page(found, _last(found, key), _first(found, key) if more else None)
    return Page(
        found,
        _last(found, key) if more else None,
        _first(found, key) if start is not None else None,
    )


@dataclass(frozen=True)
class _Begin:
    """Where a page begins, and the way it goes on."""

    key: str
    start: Any
    """Rows behind this one; None for all."""
    descending: bool

    def first(self, rows: QuerySet[Any], among: QuerySet[Any] | None, number: int) -> list[Any]:
        """Primary keys of the first rows."""
        wanted = self._behind(rows).values_list("pk", flat=True)
        if among is not None:
            edges = self._behind(among).values_list(self.key, flat=True)
            for edge in edges[NEAR : NEAR + 1]:
                until = "gte" if self.descending else "lte"
                near = list(wanted.filter(**{f"{self.key}__{until}": edge})[:number])
                if len(near) == number:
                    return near
        return list(wanted[:number])

    def _behind(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        if self.start is not None:
            after = "lt" if self.descending else "gt"
            rows = rows.filter(**{f"{self.key}__{after}": self.start})
        return rows.order_by(f"-{self.key}" if self.descending else self.key)


def _rows(
    model: type[Model], keys: list[Any], show: Callable[[QuerySet[Any]], QuerySet[Any]]
) -> list[Any]:
    """Rows by their primary keys, in that order."""
    if not keys:
        return []
    rows = model._default_manager.filter(pk__in=keys).order_by()
    found = {row.pk: row for row in show(rows)}
    return [found[key] for key in keys if key in found]


def _key(text: str | None, clean: Any) -> Any:
    """The key in the column's own type; a made-up one counts as none."""
    if not text:
        return None
    try:
        return clean(text)
    except Exception:  # any way in which a field refuses what somebody typed into the address
        return None


def _first(rows: list[Any], key: str) -> Any:
    return getattr(rows[0], key) if rows else None


def _last(rows: list[Any], key: str) -> Any:
    return getattr(rows[-1], key) if rows else None
