"""Texts that people write with a few marks, read into pieces that a template lays out.

No markup of a browser is known here: what somebody typed is text, whatever it looks like. A line
that begins with ``# `` is a heading, with ``- `` an item, with ``1. `` a step; ``[picture 3]`` on
a line of its own stands for a picture; ``**so**`` is strong; a blank line ends a paragraph.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal

HEADING = re.compile(r"#{1,3}\s+(.+)")
ITEM = re.compile(r"[-*]\s+(.+)")
STEP = re.compile(r"[0-9]{1,3}[.)]\s+(.+)")
PICTURE = re.compile(r"\[(?:picture|imagen)\s+([0-9]{1,4})\]", re.IGNORECASE)
STRONG = re.compile(r"\*\*(.+?)\*\*")

Kind = Literal["heading", "paragraph", "items", "steps", "picture"]
Spans = list[tuple[bool, str]]
"""Whether a piece of text is strong, and the piece."""


@dataclass
class Block:
    """A piece of a text that stands by itself."""

    kind: Kind
    lines: list[Spans] = field(default_factory=list)
    """One of a heading or a paragraph, one for each item or step, none of a picture."""
    number: int = 0
    """Of a picture; of steps the number of the first."""


def blocks(text: str) -> list[Block]:
    """The pieces of a text.

    >>> [(one.kind, one.number) for one in blocks("# Load\\n1. open **slowly**\\n[picture 2]")]
    [('heading', 0), ('steps', 1), ('picture', 2)]
    """
    found: list[Block] = []
    steps, apart = 0, True
    for raw in text.splitlines():
        line = raw.strip()
        if not line:
            apart = True
            continue
        if shown := PICTURE.fullmatch(line):
            found.append(Block("picture", number=int(shown[1])))
        elif head := HEADING.fullmatch(line):
            found.append(Block("heading", [_spans(head[1])]))
            steps = 0
        elif (item := ITEM.fullmatch(line)) or (step := STEP.fullmatch(line)):
            kind: Kind = "items" if item else "steps"
            if not found or found[-1].kind != kind:
                found.append(Block(kind, number=0 if item else steps + 1))
            words = item[1] if item else step[1]  # type: ignore[index]
            found[-1].lines.append(_spans(words))
            # Steps go on being counted behind a picture or a remark, up to the next heading.
            steps += not item
        elif not apart and found and found[-1].kind in ("paragraph", "items", "steps"):
            found[-1].lines[-1] += [(False, " "), *_spans(line)]
        else:
            found.append(Block("paragraph", [_spans(line)]))
        apart = False
    return found


def pictures_of(text: str) -> set[int]:
    """Numbers of the pictures that a text shows."""
    return {one.number for one in blocks(text) if one.kind == "picture"}


def _spans(text: str) -> Spans:
    parts = STRONG.split(text)
    return [(bool(at % 2), part) for at, part in enumerate(parts) if part]
