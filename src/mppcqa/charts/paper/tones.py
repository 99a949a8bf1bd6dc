"""Tones of areas on paper: told apart by how dark they are, and by hatching, without colour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from reportlab.lib.colors import Color, HexColor

from mppcqa.charts.paper.frame import QUIET, stroke

EDGE = HexColor("#3d4451")


@dataclass(frozen=True)
class Tone:
    """How an area is filled."""

    fill: Color
    hatched: bool = False


OUTCOMES = {
    "pass": Tone(HexColor("#b5e0cd")),
    "warning": Tone(HexColor("#e0a33c")),
    "waived": Tone(HexColor("#e0a33c"), hatched=True),
    "fail": Tone(HexColor("#8a2216")),
    "incomplete": Tone(HexColor("#e3e6ea"), hatched=True),
    "none": Tone(HexColor("#ffffff")),
}
PLAIN = tuple(
    Tone(HexColor(one))
    for one in ("#1f4e6e", "#dbe8f1", "#5d8fb3", "#f0f3f6", "#8fb8d3", "#3a6f94")
)
"""Of what is no outcome; neighbours differ most."""
REST = Tone(HexColor("#ffffff"), hatched=True)


def tone_of(state: str, place: int) -> Tone:
    """The tone of an outcome, or that of the place where something else stands."""
    if state == "others":
        return REST
    return OUTCOMES.get(state) or PLAIN[place % len(PLAIN)]


def fill(canvas: Any, path: Any, tone: Tone, box: tuple[float, float, float, float]) -> None:
    """Fill a closed path, that lies in a box (left, bottom, right, top), and draw its edge."""
    canvas.saveState()
    canvas.setFillColor(tone.fill)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
    if tone.hatched:
        _hatch(canvas, path, box)
    stroke(canvas, path, EDGE, 0.4)


def _hatch(canvas: Any, path: Any, box: tuple[float, float, float, float]) -> None:
    left, bottom, right, top = box
    high = top - bottom
    canvas.saveState()
    canvas.clipPath(path, stroke=0, fill=0)
    lines = canvas.beginPath()
    for n in range(math.ceil((right - left + high) / 3.0) + 1):
        x = left - high + 3.0 * n
        lines.moveTo(x, bottom)
        lines.lineTo(x + high, top)
    stroke(canvas, lines, QUIET, 0.3)
    canvas.restoreState()


def swatch(canvas: Any, x: float, y: float, tone: Tone, size: float = 6.0) -> None:
    """A small square of a tone, for a key."""
    path = canvas.beginPath()
    path.rect(x, y, size, size)
    fill(canvas, path, tone, (x, y, x + size, y + size))
