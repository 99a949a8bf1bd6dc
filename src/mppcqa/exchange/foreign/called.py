"""What a foreign file is called: serial numbers in its name; its name where the store has it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST_WORDS = 12


def serials_in(name: str) -> set[str]:
    """What in a file's name may be a serial number: its words, and neighbours together."""
    stem = Path(name).stem.upper()
    parts = re.split(r"([^A-Z0-9]+)", stem)[: 2 * MOST_WORDS]
    found = set()
    for first in range(0, len(parts), 2):
        for last in range(first, len(parts), 2):
            text = "".join(parts[first : last + 1])
            if len(text) > 2 and any(mark.isdigit() for mark in text):
                found.add(text)
    return found


@contextmanager
def named_as(path: Path, name: str) -> Iterator[Path]:
    """A file of the store under the name that it came with, which may hold conditions."""
    if path.name == Path(name).name:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        called = Path(folder) / Path(name).name
        called.symlink_to(path.resolve())
        yield called
