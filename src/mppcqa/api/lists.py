"""Lists: the filters, the order and the pages by key that the list's page has, as JSON."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, get_args

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from ninja import Schema
from ninja.responses import NinjaJSONEncoder
from pydantic import Field, StringConstraints

from mppcqa.api.asking import who
from mppcqa.api.problems import Faulty
from mppcqa.refused import Fault
from mppcqa.web.listing.declare import Listing
from mppcqa.web.paging import Order, Show, keyset_page

MOST, USUAL = 500, 50
OPEN = {"stage"}
"""Filters that take more than is offered: a stage that is not installed any more has its runs."""
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
    answer: type[Page],
    listing: Listing,
    asked: ListQuery,
    items: Callable[[list[Any]], list[Item]],
    *,
    show: Show | None = None,
) -> Item | HttpResponse:
    """A page of a list as the person sees it; `items` makes objects of its rows, as `answer` says.

    Raises `Faulty` for a filter, an order or a field that there is not.
    """
    user, query = who(request), _query(listing, asked)
    wanted = _fields(answer, asked.fields)
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
    found = {"items": items(page.rows), "next": page.after or None}
    return _narrowed(request, answer, found, wanted) if wanted else found


def _fields(answer: type[Page], text: str) -> set[str]:
    """Which fields of a row were named; `Faulty` where a row has none of that name."""
    [row] = get_args(answer.model_fields["items"].annotation)
    there, wanted = list(row.model_fields), {one for one in text.split(",") if one}
    if faults := [unknown("fields", one, there) for one in sorted(wanted.difference(there))]:
        raise Faulty(faults)
    return wanted


def _narrowed(
    request: HttpRequest, answer: type[Page], found: Item, wanted: set[str]
) -> HttpResponse:
    """Rows that are whole where they are checked, and narrow where they are sent.

    What the operation returned instead would be checked once more, and miss what was left out.
    """
    page = answer.model_validate(found, context={"request": request})
    chosen: dict[str, Any] = {"next": True, "items": {"__all__": wanted}}
    data = page.model_dump(include=chosen, exclude_unset=True)
    text = json.dumps(data, cls=NinjaJSONEncoder)
    return HttpResponse(text, content_type="application/json; charset=utf-8")


def only_known(view: Callable[..., Any]) -> Callable[..., Any]:
    """An operation that reads, and refuses names in its address that mean nothing to it.

    What has no pages takes `limit` and `after` all the same, so that every list is read alike.
    """

    @wraps(view)
    def looked(request: HttpRequest, **values: Any) -> Any:
        if request.method in ("GET", "HEAD"):
            asked = [type(one) for one in values.values() if isinstance(one, Schema)]
            fields = [item for one in asked for item in one.model_fields.items()]
            known = sorted({field.alias or name for name, field in fields} or {"after", "limit"})
            if faults := [unknown(one, one, known) for one in request.GET if one not in known]:
                raise Faulty(faults)
        return view(request, **values)

    return looked


def filters_of(listing: Listing, asked: Schema, exclude: set[str]) -> dict[str, str]:
    """The filters as the page's address has them: what has a name may be chosen by it.

    Raises `Faulty` for a choice that there is not.
    """
    given = asked.model_dump(exclude=exclude, by_alias=True)
    found = {key: str(value) for key, value in given.items() if value not in (None, "")}
    for one in listing.filters:
        if one.of is not None and one.key in found:
            rows = one.of._default_manager.all()
            found[one.key] = str(_by_name(one.key, found[one.key], rows))
        elif one.options is not None and one.key in found and one.key not in OPEN:
            there = [str(key) for key, _title in one.options()]
            if found[one.key] not in there:
                raise Faulty([unknown(one.key, found[one.key], there)])
    return found


def _query(listing: Listing, asked: ListQuery) -> QueryDict:
    query = QueryDict(mutable=True)
    query.update(filters_of(listing, asked, {"limit", "sort", "fields"}))
    return query


def _by_name(key: str, text: str, rows: QuerySet[Any]) -> int:
    """The number of what has a name, or is that number."""
    found: int | None = rows.filter(name=text).values_list("pk", flat=True).first()
    if found is None and text.isascii() and text.isdigit() and len(text) < 10:
        found = rows.filter(pk=int(text)).values_list("pk", flat=True).first()
    if found is None:
        raise Faulty([unknown(key, text, list(rows.values_list("name", flat=True)[:200]))])
    return found


def _order(listing: Listing, sort: str) -> Order:
    own, key = listing.order, sort.removeprefix("-")
    columns = {one.key: one.sort for one in listing.all_columns() if one.sort}
    if not sort:
        return own
    if key not in columns:
        raise Faulty([unknown("sort", key, sorted(columns))])
    return Order(columns[key], sort.startswith("-"), own.unique and columns[key] == own.by)


def unknown(field: str, given: str, there: Sequence[str]) -> Fault:
    """The fault of a name that means nothing, with those near it that do."""
    near = difflib.get_close_matches(given, there, 5) or list(there)[:20]
    return Fault(f"There is no “{given[:60]}” here; there is: {', '.join(near)}.", field=field)
