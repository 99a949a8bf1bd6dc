"""A list as its page shows it: its columns, its order, one page of it, and how many there are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet, Value
from django.http import HttpRequest
from django.utils.translation import gettext as _

from mppcqa.database.counting import count_to
from mppcqa.exchange.writers import writers
from mppcqa.web.listing.declare import Bulk, Column, Filter, Listing
from mppcqa.web.paging import Order, Page, keyset_page

MOST_COUNTED = 10_000
KEPT = "list-columns"
"""Where a session keeps the columns that somebody chose, by list."""


@lru_cache
def _question_of_names(_vendor: str, *models: type[Model]) -> tuple[str, tuple[Any, ...]]:
    """SQL of the numbers (by place), keys and names of some tables: the same for each page."""
    first, *others = (
        model._default_manager.order_by().values_list(Value(number), "pk", "name")
        for number, model in enumerate(models)
    )
    return first.union(*others, all=True).order_by("name").query.sql_with_params()


@dataclass(frozen=True)
class Head:
    """A column's head as it is shown."""

    column: Column
    sorted: str
    """``ascending``, ``descending``, or empty."""
    sort: str
    """What the address says to sort by it, or the other way round; empty where it can't be."""


class Shown:
    """A list for one request."""

    def __init__(self, request: HttpRequest, listing: Listing) -> None:
        self.request, self.listing, self.asked = request, listing, request.GET
        self.known = listing.all_columns()
        if listing.arrange is not None:
            self.known = listing.arrange(self.known, self.asked, request.user)
        self.sort, self.order = self._order()

    def _order(self) -> tuple[str, Order]:
        """The order that the address asks for, or the list's own."""
        text = self.asked.get("sort", "")
        own = self.listing.order
        for column in self.known:
            if column.sort and text.removeprefix("-") == column.key:
                same = column.sort == own.by
                return text, Order(column.sort, text.startswith("-"), same and own.unique)
        own_key = next((one.key for one in self.known if one.sort == own.by), "")
        return ("-" if own.descending else "") + own_key if own_key else "", own

    @cached_property
    def page(self) -> Page:
        return keyset_page(
            self.rows,
            self.asked,
            self.order,
            show=self.listing.show,
            among=None if self.rows is self._wide else self._wide,
            short=self.listing.short,
        )

    @cached_property
    def _wide(self) -> QuerySet[Any]:
        return self.listing.rows(self.asked, self.request.user)

    @cached_property
    def rows(self) -> QuerySet[Any]:
        """All that fit."""
        narrow = self.listing.narrow
        return self._wide if narrow is None else narrow(self._wide, self.asked)

    @cached_property
    def more(self) -> Mapping[str, Any]:
        """What cells need beside the rows."""
        return self.listing.describe(self.page.rows)

    @cached_property
    def total(self) -> int:
        """How many rows fit; one more than `MOST_COUNTED` where they are more than that."""
        if not self.page.before and not self.page.after:
            return len(self.page.rows)
        return count_to(self.rows, MOST_COUNTED + 1)

    @property
    def most(self) -> int:
        return MOST_COUNTED

    @cached_property
    def chosen(self) -> list[str]:
        """Keys of the columns that were chosen, by the address or before; empty for the usual."""
        kept = self.request.session.get(KEPT, {}).get(self.listing.name, "")
        words = ",".join(self.asked.getlist("columns")) or kept
        return [key for key in words.split(",") if any(key == one.key for one in self.known)]

    @cached_property
    def columns(self) -> list[Column]:
        """What is shown: always the first, which leads to the row."""
        return [one for one in self.wanted if self.chosen or self._tells(one)]

    @cached_property
    def wanted(self) -> list[Column]:
        """What was chosen, or is usual, whether the rows of this page have it or not."""
        if not self.chosen:
            return [one for one in self.known if one.shown and one.unless_one not in self._silent]
        first = self.known[0]
        return [one for one in self.known if one is first or one.quiet or one.key in self.chosen]

    def _tells(self, column: Column) -> bool:
        """Whether a row of this page has something in the column."""
        if column.if_told is not None:
            return column.if_told(self.more)
        key = column.if_any
        return not key or any(getattr(row, key) for row in self.page.rows)

    @property
    def heads(self) -> list[Head]:
        found = []
        for one in self.columns:
            now = self.sort.removeprefix("-") == one.key and one.sort
            way = ("descending" if self.order.descending else "ascending") if now else ""
            sort = one.key if one.sort else ""
            found.append(Head(one, way, f"-{sort}" if way == "ascending" else sort))
        return found

    @property
    def sorts(self) -> list[tuple[str, str]]:
        """All orders, for screens that have no room for heads."""
        found = []
        for one in self.known:
            if one.sort:
                title = str(one.title)
                found.append((one.key, _("%s, upwards") % title))
                found.append((f"-{one.key}", _("%s, downwards") % title))
        return found

    @property
    def choosable(self) -> list[tuple[Column, bool]]:
        """Columns that can be left out, and whether they are shown."""
        shown = {one.key for one in self.columns}
        return [(one, one.key in shown) for one in self.known[1:] if not one.quiet]

    @cached_property
    def filters(self) -> list[tuple[Filter, list[tuple[str, Any]], str]]:
        """Each that has a choice, with its choices and what was chosen."""
        found = []
        for one in self.listing.filters:
            choices = list(one.options()) if one.options else self._named.get(one.of, [])
            if one.of is None or (choices and one.key not in self._silent):
                found.append((one, choices, self.asked.get(one.key, "")))
        return found

    @cached_property
    def _named(self) -> dict[Any, list[tuple[str, str]]]:
        """Keys as the address has them, and names of what filters are `of`, in one query."""
        models = list(dict.fromkeys(one.of for one in self.listing.filters if one.of))
        found: dict[Any, list[tuple[str, str]]] = {model: [] for model in models}
        if models:
            with connection.cursor() as cursor:
                cursor.execute(*_question_of_names(connection.vendor, *models))
                for number, key, name in cursor.fetchall():
                    found[models[number]].append((str(key), name))
        return found

    @cached_property
    def _silent(self) -> set[str]:
        """Filters of what all rows have and only one can be had of: they tell nothing of any."""
        return {
            one.key
            for one in self.listing.filters
            if one.always and len(self._named.get(one.of, [])) == 1
        }

    @property
    def filtered(self) -> bool:
        return any(self.asked.get(one.key) for one in self.listing.filters)

    @property
    def formats(self) -> list[tuple[str, str]]:
        return [(one.key, one.title) for one in writers().values()]

    @cached_property
    def bulk(self) -> list[Bulk]:
        """What this person may do with many rows."""
        user = self.request.user
        return [one for one in self.listing.bulk if user.has_perm(one.right)]
