"""What a scan is answered with: few words, to be read at arm's length, and a tone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from mppcqa.codes import Kind, write


class Tone(StrEnum):
    """How it sounds and looks."""

    GOOD = "good"
    ASK = "ask"
    BAD = "bad"


@dataclass
class Answer:
    """What happened, for the page's script."""

    tone: Tone
    title: str
    lines: list[str] = field(default_factory=list)
    go: str = ""
    """The page that it leads to."""
    changed: bool = False
    """Whether the page shown may be out of date."""
    choices: list[tuple[str, str]] = field(default_factory=list)
    """Words of a button, and the code that it stands for."""
    undo: bool = False

    def as_json(self, station: str, signed: str = "") -> dict[str, Any]:
        """As the script takes it; `station` is in hand from now on, `signed` who scans."""
        return {
            "tone": self.tone.value,
            "title": self.title,
            "lines": self.lines,
            "go": self.go,
            "changed": self.changed,
            "choices": [{"text": text, "code": code} for text, code in self.choices],
            "undo": self.undo,
            "station": station,
            "signed": signed,
        }


def action(word: str, about: str = "") -> str:
    """The code of an action."""
    return write(Kind.ACTION, f"{word} {about}".strip())
