"""Addresses of pages by their names, as often as a page needs them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.urls import get_script_prefix, reverse

KNOWN_ADDRESSES = 20_000


def address(name: str, *args: Any) -> str:
    """As `reverse`, which takes longer than a row; each address is made once."""
    return _address(get_script_prefix(), name, args)


@lru_cache(KNOWN_ADDRESSES)
def _address(prefix: str, name: str, args: tuple[Any, ...]) -> str:
    return reverse(name, args=args)
