"""What a list declares: its columns, filters, order, and what may be done with many rows at once.

A list's cells are macros of its template `cells`, named as their columns and called with the row;
a column without one shows the row's value of that name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Model, QuerySet
from django.http import QueryDict
from django.utils.functional import Promise

from mppcqa.web.paging import Order, Show

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Text = str | Promise
Options = Callable[[], Iterable[tuple[str, Text]]]


@dataclass(frozen=True)
class Column:
    """A column of a list."""

    key: str
    title: Text
    sort: str = ""
    """The column of the database that it can be sorted by."""
    css: str = ""
    cell: str = ""
    """A macro for many columns alike, called with row and column; empty for its own."""
    quiet: bool = False
    """Buttons: its title is only read out, and no file has it."""
    shown: bool = True
    """Whether it is shown to who has chosen no columns."""
    if_any: str = ""
    """A value of the rows; where none of the page has it, the column is left out."""
    if_told: Callable[[Mapping[str, Any]], bool] | None = None
    """The same of what the list's `describe` says of the page's rows."""
    unless_one: str = ""
    """A filter; where that has one choice alone, which all rows have, it is left out as well."""


@dataclass(frozen=True)
class Filter:
    """A part of the address that chooses rows."""

    key: str
    title: Text
    options: Options | None = None
    """Values and their titles; None for a text, or where `of` says them."""
    first: Text = ""
    """What no choice is called; empty for "all"."""
    of: type[Model] | None = None
    """A table of few things with names: it is chosen by their keys."""
    always: bool = False
    """Whether every row has one of them: with one alone there is nothing to choose."""
    linked: bool = False
    """Whether other pages lead to it, and it is only shown here and can be cleared."""


@dataclass(frozen=True)
class Effect:
    """What a bulk action would do with one row."""

    pk: int
    name: str
    refused: str = ""
    """Why it is left out; empty where it would be done."""
    told: str = ""
    """What becomes of it, where that is not the same for all."""


@dataclass(frozen=True)
class Choice:
    """What is asked before a bulk action is looked at: one of several things."""

    title: Text
    options: Callable[[Any], Iterable[tuple[str, Text]]]
    """Keys and titles for a person; no other key is taken."""
    preview: Callable[[list[int], str], list[Effect]]
    """What would be done with rows, with what was chosen."""


@dataclass(frozen=True)
class Bulk:
    """Something that is done with many rows at once, looked at first."""

    key: str
    title: Text
    right: str
    preview: Callable[[list[int]], list[Effect]] = lambda keys: []
    do: Callable[[list[int], str, AbstractBaseUser], str] = lambda keys, reason, by: ""
    """Does it (rows, reason or what was chosen, who), all or none; returns what to say. Raises a
    refusal."""
    reason: bool = False
    """Whether a reason is asked for."""
    choice: Choice | None = None
    """What is chosen first, in place of a reason; its preview is the one that counts."""
    page: str = ""
    """The name of a page of its own that takes the rows (``?devices=1,2``, by `rows_as`) and does
    it, where more has to be said than a reason."""
    rows_as: str = "rows"


@dataclass(frozen=True)
class Listing:
    """A list."""

    name: str
    """Of its address, and of its files."""
    title: Text
    columns: Sequence[Column] | Callable[[], Sequence[Column]]
    rows: Callable[[QueryDict, Any], QuerySet[Any]]
    """The rows of a person that fit the filters in an address."""
    cells: str
    """The template that has its cells."""
    arrange: Callable[[list[Column], QueryDict, Any], list[Column]] | None = None
    """The columns as filters and person would have them; None where they stay as declared."""
    narrow: Callable[[QuerySet[Any], QueryDict], QuerySet[Any]] | None = None
    """Those of them that fit filters which know nothing of the order, see `keyset_page`."""
    order: Order = field(default_factory=Order)
    filters: tuple[Filter, ...] = ()
    show: Show = lambda rows: rows
    """Which columns and related rows of a page are read."""
    short: bool = False
    """Whether its table is a few hundred rows at most: then they are read in one question."""
    describe: Callable[[list[Any]], Mapping[str, Any]] = lambda rows: {}
    """What cells need beside the rows of a page, asked for all at once."""
    every: Callable[[Any], QuerySet[Any]] | None = None
    """All rows that a person may see; needed where there are bulk actions."""
    bulk: tuple[Bulk, ...] = ()
    export: str = ""
    """The list that the page of exports has more of."""

    def all_columns(self) -> list[Column]:
        return list(self.columns() if callable(self.columns) else self.columns)
