"""Lists: the filters, the order and the pages by key that the list's page has, as JSON."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from typing import Annotated, Any

from django.db.models import QuerySet
from django.http import HttpRequest, QueryDict
from ninja import Schema
from pydantic import Field, StringConstraints

from mppcqa.api.asking import who
from mppcqa.api.problems import Faulty
from mppcqa.refused import Fault
from mppcqa.web.listing.declare import Listing
from mppcqa.web.paging import Order, Show, keyset_page

MOST, USUAL = 500, 50
Text = Annotated[str, StringConstraints(max_length=200)]
Item = dict[str, Any]


class ListQuery(Schema):
    """What every list takes beside its filters."""

    after: Text = Field("", description="`next` of the page before; empty for the first page.")
    limit: Annotated[int, Field(ge=1, le=MOST)] = Field(USUAL, description="Rows of a page.")
    sort: Text = Field("", description="A column, with - before it for the other way round.")
    fields: Text = Field("", description="Only these fields of each row, with commas between.")


class Page(Schema):
    """A page of a list."""

    next: str | None = Field(description="What `after` of the next page is; null on the last.")


def page_of(
    request: HttpRequest,
    listing: Listing,
    asked: ListQuery,
    items: Callable[[list[Any]], list[Item]],
    *,
    show: Show | None = None,
) -> Item:
    """A page of a list as the person sees it; `items` makes objects of its rows.

    Raises `Faulty` for a filter, an order or a field that there is not.
    """
    user, query = who(request), _query(request, listing, asked)
    rows = listing.rows(query, user)
    narrow = listing.narrow
    page = keyset_page(
        rows if narrow is None else narrow(rows, query),
        query,
        _order(listing, asked.sort),
        size=asked.limit,
        show=show or listing.show,
        among=None if narrow is None else rows,
    )
    return {"items": only(items(page.rows), asked.fields), "next": page.after or None}


def only(items: list[Item], fields: str) -> list[Item]:
    """Objects with the chosen fields alone; all where none is named."""
    wanted = [one for one in fields.split(",") if one]
    if not wanted or not items:
        return items
    for one in wanted:
        if one not in items[0]:
            raise Faulty([_unknown("fields", one, list(items[0]))])
    return [{key: one[key] for key in wanted} for one in items]


def refuse_unknown(request: HttpRequest, asked: Schema) -> None:
    """`Faulty` where the address has a name that means nothing here."""
    known = {field.alias or name for name, field in type(asked).model_fields.items()}
    if faults := [_unknown(one, one, sorted(known)) for one in request.GET if one not in known]:
        raise Faulty(faults)


def filters_of(listing: Listing, asked: Schema, exclude: set[str]) -> dict[str, str]:
    """The filters as the page's address has them: what has a name may be chosen by it."""
    given = asked.model_dump(exclude=exclude, by_alias=True)
    found = {key: str(value) for key, value in given.items() if value not in (None, "")}
    for one in listing.filters:
        if one.of is not None and one.key in found:
            rows = one.of._default_manager.all()
            found[one.key] = str(_by_name(one.key, found[one.key], rows))
    return found


def _query(request: HttpRequest, listing: Listing, asked: ListQuery) -> QueryDict:
    refuse_unknown(request, asked)
    query = QueryDict(mutable=True)
    query.update(filters_of(listing, asked, {"limit", "sort", "fields"}))
    return query


def _by_name(key: str, text: str, rows: QuerySet[Any]) -> int:
    """The number of what has a name, or is that number."""
    found: int | None = rows.filter(name=text).values_list("pk", flat=True).first()
    if found is None and text.isascii() and text.isdigit() and len(text) < 10:
        found = rows.filter(pk=int(text)).values_list("pk", flat=True).first()
    if found is None:
        raise Faulty([_unknown(key, text, list(rows.values_list("name", flat=True)[:200]))])
    return found


def _order(listing: Listing, sort: str) -> Order:
    own, key = listing.order, sort.removeprefix("-")
    columns = {one.key: one.sort for one in listing.all_columns() if one.sort}
    if not sort:
        return own
    if key not in columns:
        raise Faulty([_unknown("sort", key, sorted(columns))])
    return Order(columns[key], sort.startswith("-"), own.unique and columns[key] == own.by)


def _unknown(field: str, given: str, there: Sequence[str]) -> Fault:
    near = difflib.get_close_matches(given, there, 5) or list(there)[:20]
    return Fault(f"There is no “{given[:60]}” here; there is: {', '.join(near)}.", field=field)
