"""What a program asks of the queue in its output. Nothing that it says can end its task."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mppcqa.queue.untrusted import one_line

LONGEST_LINE = 4000
MAX_READ = 1 << 20
"""More than the supervisor ever passes on in one line."""
MAX_COUNT = 2**31 - 1
"""Largest number that every database takes for a bar."""
_DIGITS = 18
_PROGRESS = re.compile(r"@progress\s+([0-9]+)/([0-9]+)(?:\s+(.*))?")
_MESSAGE = re.compile(r"@message\s+(\S+)\s+(\S.*)")
_WORD = re.compile(r"@(progress|message)(?:\s|$)")


@dataclass(frozen=True)
class Progress:
    """A bar that moves."""

    done: int
    total: int
    text: str


@dataclass(frozen=True)
class Attention:
    """A person should look."""

    level: str
    text: str


class Odd(ValueError):
    """A line that was meant for the queue and says nothing that it can use."""


def parse(raw: bytes) -> Progress | Attention | None:
    """What a line asks for; None where it is only for the log. Raises `Odd`."""
    text = raw[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r\n")
    word = _WORD.match(text)
    if word is None:
        return None
    if found := _MESSAGE.match(text):
        return Attention(found[1].lower(), found[2])
    if found := _PROGRESS.match(text):
        if max(len(found[1]), len(found[2])) > _DIGITS:
            raise Odd("@progress with a number of more than 18 digits")
        return Progress(int(found[1]), int(found[2]), found[3] or "")
    raise Odd(f"@{word[1]} that can't be read: {one_line(text, 100)}")


def bar(done: int, total: int) -> tuple[int, int]:
    """Both numbers within what a bar can be: 0 <= done <= total <= `MAX_COUNT`."""
    total = max(0, total)
    done = min(max(0, done), total)
    scale = -(-total // MAX_COUNT) if total > MAX_COUNT else 1
    return done // scale, total // scale
