"""Tables in a terminal."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

WIDE = 220


def show(table: Table) -> None:
    """Print a table: as wide as the terminal; in a pipe so wide that no word is cut."""
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else WIDE).print(table)
