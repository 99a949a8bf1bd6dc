"""Tables and lines in a terminal."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

WIDE = 220
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Characters that a terminal obeys, or that turn the order of those beside them."""
STANDS_FOR = "\N{REPLACEMENT CHARACTER}"
KEPT = "\t\n"


def clean(text: str, kept: str = KEPT) -> str:
    """A text without what a terminal would obey; a name in a database may have such characters.

    Characters in `kept` stay: in texts of several lines tabs and the ends of lines.
    """
    return CONTROL.sub(lambda one: one[0] if one[0] in kept else STANDS_FOR, text)


def echo(
    text: object, *, err: bool = False, nl: bool = True, lines: bool = False, fg: str | None = None
) -> None:
    """Print what a command says: one line of it, or as many as it has with `lines`.

    Whatever a command prints goes through here or through `show`: names, logs and faults of files
    come from anybody.
    """
    said = clean(str(text)) if lines else clean_line(str(text))
    click.echo(click.style(said, fg=fg) if fg else said, err=err, nl=nl)  # noqa: TID251


def clean_line(text: str) -> str:
    """The same for what must stay within its line or its cell."""
    return clean(" ".join(text.split("\n")), kept="\t")


def add_row(table: Table, *cells: RenderableType | None) -> None:
    """Add a row of texts that may come from anybody; a text of rich's own has its styles."""
    table.add_row(*(clean(one) if isinstance(one, str) else one for one in cells))


def show(table: Table) -> None:
    """Print a table: as wide as the terminal; in a pipe so wide that no word is cut."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
