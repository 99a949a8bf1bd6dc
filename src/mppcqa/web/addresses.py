"""Addresses of pages by their names, as often as a page needs them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.templatetags.static import static
from django.urls import get_script_prefix, reverse

from mppcqa.web.statics import mark_of

KNOWN_ADDRESSES = 20_000


def address(name: str, *args: Any) -> str:
    """As `reverse`, which takes longer than a row; each address is made once."""
    return _address(get_script_prefix(), name, args)


def static_address(name: str) -> str:
    """That of a file that comes with the program, which changes with what it holds."""
    return _static(get_script_prefix(), name)


@lru_cache
def _static(_prefix: str, name: str) -> str:
    mark = mark_of(name)
    return f"{static(name)}?v={mark}" if mark else static(name)


@lru_cache(KNOWN_ADDRESSES)
def _address(prefix: str, name: str, args: tuple[Any, ...]) -> str:
    return reverse(name, args=args)
