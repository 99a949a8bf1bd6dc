"""Loading what stays until the process ends, without looking through it again and again.

Python looks for unused circles among all objects while modules are imported, and once more when
the process ends: with the hundreds of thousands that ours imports, a fifth of a command's time and
over a second of a worker's.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def loading() -> Iterator[None]:
    """What is made within stays for ever and is never looked through."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()


class Later:
    """A module that is imported when something of it is first used.

    For large ones that few of those who import the module around them use: under ``TYPE_CHECKING``
    the real import stands beside it.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(import_module(self._name), name)
        setattr(self, name, found)
        return found
