"""What a scan is answered with: few words, to be read at arm's length, and a tone."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.utils.translation import gettext as _

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

    def as_json(self, station: str, signed: str = "", registers: bool = False) -> dict[str, Any]:
        """As the script takes it; `station` is in hand from now on, `signed` who scans.

        `registers` says that what is new is registered by its scan.
        """
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
            "registers": _("What is new is registered by its scan") if registers else "",
        }


def action(word: str, about: str = "") -> str:
    """The code of an action."""
    return write(Kind.ACTION, f"{word} {about}".strip())
