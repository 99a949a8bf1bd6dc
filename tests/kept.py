"""What is held to what it was: a file beside the test has it; ``MPPCQA_RECORD=1`` writes it anew.

    MPPCQA_RECORD=1 pytest tests/web/test_pages_kept.py

What changed in the file is read before it is committed.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WIDE = 150
RECORD = bool(os.environ.get("MPPCQA_RECORD"))


class Kept:
    """A file of JSON: what was found, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.there = self._read()

    def hold(self, name: str, found: Any) -> Any:
        """What was found before under a name; what is found now, where that is recorded."""
        if RECORD:
            # What other processes recorded meanwhile stays.
            self.there = dict(sorted({**self._read(), name: found}.items()))
            self.path.write_text(in_lines(self.there) + "\n")
        assert name in self.there, f"{name} is new in {self.path.name}: record it"
        return self.there[name]

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text()) if self.path.exists() else {}
        return found

    def hold_all(self, name: str, found: Mapping[str, Any]) -> None:
        """Several things of one name, each of which is as it was; says which is not."""
        before = self.hold(name, dict(found))
        assert sorted(found) == sorted(before)
        for part, one in found.items():
            assert one == before[part], f"{name}: {part}"


def in_lines(value: Any) -> str:
    """JSON that is read by lines: what fits into one stands in one."""
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= WIDE or not isinstance(value, dict | list):
        return text
    if isinstance(value, list):
        return "[\n" + ",\n".join(map(in_lines, value)) + "\n]"
    pairs = (
        f"{json.dumps(key, ensure_ascii=False)}: {in_lines(one)}" for key, one in value.items()
    )
    return "{\n" + ",\n".join(pairs) + "\n}"
