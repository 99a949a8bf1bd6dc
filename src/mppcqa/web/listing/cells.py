"""Cells of a list's columns: what is the same for all rows is found once for a page."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.template import engines
from django.utils.formats import localize
from markupsafe import Markup, escape

from mppcqa.web.listing.declare import Column

NONE = "—"


@dataclass(frozen=True)
class Drawn:
    """A column for one page."""

    column: Column
    attributes: Markup
    """Of each of its cells."""
    begin: str
    end: str
    draw: Callable[[Any], Markup]
    """The cell of a row."""
    macro: Any
    """The macro that draws it; None for a plain value."""


def drawn_columns(columns: Iterable[Column], cells: Any) -> list[Drawn]:
    """Columns with the macros that draw them, of the module of a list's template of cells."""
    jinja: Any = engines["jinja2"]
    parts = jinja.env.get_template("web/listing/parts.html").module
    found = []
    for one in columns:
        macro = getattr(cells, one.cell or one.key, None)
        if macro is None:
            draw = partial(_plain, one.key)
        else:
            draw = partial(_of_column, macro, one) if one.cell else macro
        label = "" if one.quiet else str(one.title)
        begin, end = parts.begin(one.css, label), parts.end()
        found.append(Drawn(one, parts.attributes(one.css, label), begin, end, draw, macro))
    return found


def drawn_cells(columns: Iterable[Drawn], row: Any) -> Markup:
    """Cells of a row, put together here: a template would take twice as long for hundreds."""
    # Each piece is drawn by a template, or escaped.
    return Markup("".join([f"{one.begin}{one.draw(row)}{one.end}" for one in columns]))  # noqa: S704


def _of_column(macro: Any, column: Column, row: Any) -> Markup:
    drawn: Markup = macro(row, column)
    return drawn


def _plain(key: str, row: Any) -> Markup:
    value = getattr(row, key)
    return escape(NONE if value is None or value == "" else localize(value))
