"""What a program tells on lines of its log while it runs: curves, contacts, first spectra."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from mppcqa.queue.logs import read_from, read_tail
from mppcqa.queue.models import Task
from mppcqa.queue.shipping import fetch

TAIL = 128 * 1024
"""Bytes of a log that are searched for what is monitored."""
HEAD = 64 * 1024
"""Bytes of its beginning, where a contact check stands however long the run is."""
POINTS = 300
"""Of a curve that is shown while it runs."""
CURVES = 6
SPECTRA = 8
BINS = 256
_NUMBER = r"[-+0-9.eE]{1,25}"
MONITOR = re.compile(
    rf"^(\S+) @monitor\s+([^\s=]{{1,40}})=({_NUMBER})(?:\s+(\S{{1,12}}))?\s*$", re.MULTILINE
)
CONTACT = re.compile(
    r"^\S+ @contact[ \t]+([0-9]{1,5})[ \t]+(ok|empty|swapped|dead)"
    r"(?:[ \t]+([0-9]{1,5}(?:,[0-9]{1,5}){0,63}))?(?:[ \t]+(.{0,200}))?$",
    re.MULTILINE,
)
SPECTRUM = re.compile(
    rf"^\S+ @spectrum[ \t]+(\S{{1,40}})[ \t]+({_NUMBER})[ \t]+({_NUMBER})"
    r"[ \t]+([0-9]{1,12}(?:,[0-9]{1,12})+)[ \t]*$",
    re.MULTILINE,
)
WIDTH, HEIGHT = 300.0, 60.0


@dataclass(frozen=True)
class Curve:
    """What a program told of one thing that it watches, as a line of 300 by 60."""

    name: str
    unit: str
    last: float
    low: float
    high: float
    points: str
    """For an SVG's polyline."""


@dataclass(frozen=True)
class Contact:
    """What a contact check found in a slot."""

    slot: int
    state: str
    """``ok``, ``empty``, ``swapped`` or ``dead``."""
    channels: str = ""
    text: str = ""

    @property
    def bad(self) -> bool:
        """Whether its values would be worth nothing."""
        return self.state != "ok"

    @property
    def said(self) -> str:
        """In words, with the channels that are meant."""
        words = {
            "ok": _("contact"),
            "empty": _("no device"),
            "swapped": _("swapped"),
            "dead": _("dead"),
        }[self.state]
        return f"{words}: {self.channels}" if self.channels else words


@dataclass(frozen=True)
class Spectrum:
    """A first histogram, as a filled outline of 300 by 60."""

    name: str
    low: float
    high: float
    counts: int
    points: str


@dataclass(frozen=True)
class Watched:
    """All that a program told so far."""

    curves: list[Curve] = field(default_factory=list)
    contacts: Mapping[int, Contact] = field(default_factory=dict)
    spectra: list[Spectrum] = field(default_factory=list)

    @property
    def bad_contacts(self) -> list[Contact]:
        """Slots whose contact is bad."""
        return [one for one in self.contacts.values() if one.bad]


def watched(task: Task | None) -> Watched:
    """What the program of a task told; nothing where there is none."""
    if task is None or not task.attempt:
        return Watched()
    path = fetch(task.pk, task.attempt)
    tail = read_tail(path, TAIL).text
    return Watched(_curves(tail), _contacts(read_from(path, 0, HEAD).text), _spectra(tail))


def _contacts(text: str) -> dict[int, Contact]:
    return {
        int(slot): Contact(int(slot), state, channels, said.strip())
        for slot, state, channels, said in CONTACT.findall(text)
    }


def _curves(text: str) -> list[Curve]:
    values: dict[str, list[float]] = {}
    units: dict[str, str] = {}
    for _at, name, number, unit in MONITOR.findall(text):
        value = _float(number)
        if value is not None:
            values.setdefault(name, []).append(value)
            units[name] = unit
    return [_curve(name, units[name], row) for name, row in list(values.items())[:CURVES]]


def _float(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if abs(value) < 1e300 else None


def _curve(name: str, unit: str, row: list[float]) -> Curve:
    row = row[-POINTS:]
    low, high = min(row), max(row)
    span = (high - low) or 1.0
    step = WIDTH / max(1, len(row) - 1)
    points = " ".join(
        f"{at * step:.1f},{HEIGHT - 4 - (value - low) / span * (HEIGHT - 8):.1f}"
        for at, value in enumerate(row)
    )
    return Curve(name.replace("_", " "), unit, row[-1], low, high, points)


def _spectra(text: str) -> list[Spectrum]:
    """The latest of each name."""
    found = {}
    for name, low, width, numbers in SPECTRUM.findall(text):
        start, step = _float(low), _float(width)
        counts = [int(one) for one in numbers.split(",")]
        if start is not None and step and len(counts) <= BINS:
            found[name] = _spectrum(name, start, step, counts)
    return list(found.values())[:SPECTRA]


def _spectrum(name: str, low: float, width: float, counts: list[int]) -> Spectrum:
    most, step = max(*counts, 1), WIDTH / len(counts)
    heights = [HEIGHT - count / most * (HEIGHT - 4) for count in counts]
    steps = [f"{(at + end) * step:.1f},{y:.1f}" for at, y in enumerate(heights) for end in (0, 1)]
    points = " ".join([f"0,{HEIGHT:.0f}", *steps, f"{WIDTH:.0f},{HEIGHT:.0f}"])
    return Spectrum(name.replace("_", " "), low, low + width * len(counts), sum(counts), points)
