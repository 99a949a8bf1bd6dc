"""What only a page says of a row, beside what the row says itself."""

from __future__ import annotations

from typing import Any


def say_of(row: object, **said: Any) -> None:
    """Put words and marks beside a row's own columns, for the template that draws it."""
    for name, value in said.items():
        setattr(row, name, value)
