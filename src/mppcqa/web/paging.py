"""Pages of long lists by key, never by number: the thousandth costs what the first does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F, Field, Model, Q, QuerySet
from django.http import QueryDict

SIZE = 50
NEAR = 1000
"""Rows among which a full page is looked for first."""
Show = Callable[[QuerySet[Any]], QuerySet[Any]]


@dataclass(frozen=True)
class Order:
    """What rows are in the order of."""

    by: str = "pk"
    """A column, also one of a related table (``device_type__name``)."""
    descending: bool = False
    unique: bool = True
    """Whether no two rows have the same; else their primary keys decide, in the same direction."""


@dataclass(frozen=True)
class Page:
    """Rows of one page, and the marks that its neighbours begin from."""

    rows: list[Any] = field(default_factory=list)
    after: str = ""
    """Mark for the link to the next page; empty on the last."""
    before: str = ""
    """Mark for the link to the previous page; empty on the first."""


def keyset_page(
    rows: QuerySet[Any],
    asked: QueryDict,
    order: Order,
    *,
    size: int = SIZE,
    show: Show = lambda rows: rows,
    among: QuerySet[Any] | None = None,
    short: bool = False,
) -> Page:
    """The page that ``?after=MARK`` or ``?before=MARK`` names.

    A mark is the key of a row where keys are unique, else ``PK~VALUE`` (``PK`` where it has none).

    Keys first, then their rows, of which `show` says what is shown (related rows, columns): given
    both at once, MariaDB may join the whole list and sort it (200 ms at 60,000 devices). Rows that
    come as tuples need names, and ``pk`` among them.

    Where many `rows` are left by a filter that knows nothing of the key, all would be sorted for
    one page. With `among`, the rows before that filter, the nearest of these are looked at first.

    A table that is `short` is read in one question, which must give rows as objects.
    """
    walk = _Walk(rows.model, order)
    start, back = walk.read(asked.get("after")), walk.read(asked.get("before"))
    # Backwards from a key it is the same the other way round.
    turned = back is not None
    begin = back if turned else start
    whole = []
    if short:
        whole = walk.whole(show(rows), size + 1, begin, turned)
        found = [(row.pk, row.order_value) for row in whole]
    else:
        found = walk.first(rows, among, size + 1, begin, turned)
    more = len(found) > size
    found = found[:size]
    whole = whole[:size]
    if turned:
        found.reverse()
        whole.reverse()
    first, last = (walk.write(found[0]), walk.write(found[-1])) if found else ("", "")
    shown = whole or rows_of(rows.model, [pk for pk, _value in found], show)
    if turned:
        return Page(shown, last, first if more else "")
    return Page(shown, last if more else "", first if start is not None else "")


def first_keys(rows: QuerySet[Any], order: Order, number: int) -> list[Any]:
    """Primary keys of the first rows in an order."""
    return [pk for pk, _value in _Walk(rows.model, order).first(rows, None, number)]


class _Walk:
    """Goes through the rows of a table in an order. A place is a primary key and a value."""

    def __init__(self, model: type[Model], order: Order) -> None:
        self.order = order
        self.field = _column(model, order.by)
        self.key = model._meta.pk

    def first(
        self,
        rows: QuerySet[Any],
        among: QuerySet[Any] | None,
        number: int,
        start: tuple[Any, Any] | None = None,
        turned: bool = False,
    ) -> list[tuple[Any, Any]]:
        """Places of the first rows behind one, or the last before it."""
        by, descending = self.order.by, self.order.descending != turned
        wanted = self._behind(rows, start, descending).values_list("pk", by)
        if among is not None and self.order.unique:
            edges = self._behind(among, start, descending).values_list(by, flat=True)
            for edge in edges[NEAR : NEAR + 1]:
                until = "gte" if descending else "lte"
                near = list(wanted.filter(**{f"{by}__{until}": edge})[:number])
                if len(near) == number:
                    return near
        return list(wanted[:number])

    def whole(
        self, rows: QuerySet[Any], number: int, start: tuple[Any, Any] | None, turned: bool
    ) -> list[Any]:
        """The first rows behind a place, as objects with their `order_value`."""
        ordered = self._behind(rows, start, self.order.descending != turned)
        return list(ordered.annotate(order_value=F(self.order.by))[:number])

    def _behind(
        self, rows: QuerySet[Any], start: tuple[Any, Any] | None, descending: bool
    ) -> QuerySet[Any]:
        by, way = self.order.by, "lt" if descending else "gt"
        names = [by] if self.order.unique else [by, "pk"]
        rows = rows.order_by(*(f"-{name}" if descending else name for name in names))
        if start is None:
            return rows
        pk, value = start
        if self.order.unique:
            return rows.filter(**{f"{by}__{way}": value})
        same = Q(**{f"{by}__isnull": True} if value is None else {by: value})
        behind = same & Q(**{f"pk__{way}": pk})
        # Rows without a value come before all others, as both databases sort them.
        if value is not None:
            behind |= Q(**{f"{by}__{way}": value})
        if descending and value is not None:
            behind |= Q(**{f"{by}__isnull": True})
        elif not descending and value is None:
            behind |= Q(**{f"{by}__isnull": False})
        return rows.filter(behind)

    def read(self, text: str | None) -> tuple[Any, Any] | None:
        """The place that a mark names; a made-up one counts as none."""
        if not text:
            return None
        unique = self.order.unique
        key, tilde, value = ("", "~", text) if unique else text.partition("~")
        try:
            place = (
                self.key.to_python(key or None),
                self.field.to_python(value) if tilde else None,
            )
        except Exception:  # any way in which a field refuses what somebody typed into the address
            return None
        return None if place[1 if unique else 0] is None else place

    def write(self, place: tuple[Any, Any]) -> str:
        pk, value = place
        text = value.isoformat() if isinstance(value, dt.date) else str(value)
        if self.order.unique:
            return text
        return str(pk) if value is None else f"{pk}~{text}"


def _column(model: type[Model], path: str) -> Field[Any, Any]:
    """The column that a path over related tables leads to."""
    *steps, name = path.split("__")
    for step in steps:
        related = model._meta.get_field(step).related_model
        assert isinstance(related, type)  # noqa: S101
        model = related
    found: Any = model._meta.pk if name == "pk" else model._meta.get_field(name)
    return found  # type: ignore[no-any-return]


def rows_of(model: type[Model], keys: list[Any], show: Show) -> list[Any]:
    """Rows by their primary keys, in that order."""
    if not keys:
        return []
    rows = model._default_manager.filter(pk__in=keys).order_by()
    found = {row.pk: row for row in show(rows)}
    return [found[key] for key in keys if key in found]
