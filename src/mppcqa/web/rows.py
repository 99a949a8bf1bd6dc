"""Rows of long tables and links, made in Python: as templates they took most of a page's time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from html import escape
from typing import Any

from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString

KNOWN_ADDRESSES = 20_000


def address(name: str, *args: Any) -> str:
    """As `reverse`, which takes longer than a row; each address is made once."""
    return _address(get_script_prefix(), name, args)


@lru_cache(KNOWN_ADDRESSES)
def _address(prefix: str, name: str, args: tuple[Any, ...]) -> str:
    return reverse(name, args=args)


def escaped(text: Any) -> SafeString:
    """As Django's `conditional_escape`, which looks for lazy texts each time."""
    return SafeString(text.__html__() if hasattr(text, "__html__") else escape(str(text)))


def link(url: str, text: Any, css: str = "") -> SafeString:
    """A link; the text is escaped unless it is markup of ours."""
    return SafeString(f'<a{_styled(css)} href="{escape(url)}">{escaped(text)}</a>')


def _styled(css: str) -> str:
    return f' class="{css}"' if css else ""


def table_rows(heads: Sequence[tuple[str, str]], rows: Iterable[Iterable[Any]]) -> SafeString:
    """Rows of a table.

    heads
        Label (shown before the cell where the screen is narrow) and classes of each column.
    rows
        Contents of each row's cells, escaped unless they are markup of ours.
    """
    begun = begun_cells(heads)
    return SafeString("".join(f"<tr>{table_cells(begun, row)}</tr>" for row in rows))


def begun_cells(heads: Iterable[tuple[str, str]]) -> list[str]:
    """How the cells of each column begin, for `table_cells`."""
    return [f'<td{_styled(css)} data-label="{escaped(label)}">' for label, css in heads]


def table_cells(begun: Sequence[str], row: Iterable[Any]) -> str:
    """The cells of one row."""
    return "".join(f"{begin}{escaped(cell)}</td>" for begin, cell in zip(begun, row, strict=True))
