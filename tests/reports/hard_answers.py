"""Answers of the workbench that are the hardest to lay out."""

from __future__ import annotations

import datetime as dt
import math
import random
from typing import Any

from mppcqa.charts.counted import Box, Boxes, Cloud, Course, CourseLine, Moment
from mppcqa.charts.plots import Bars, Scale
from mppcqa.reports.answer import Said
from mppcqa.views.workbench.page import Answer
from tests.reports.hard import FOREIGN, LONG, UNBROKEN

GROUPS = ("HPK-2026-0317", LONG, UNBROKEN, FOREIGN, *(f"lot {n}" for n in range(32)))
GAIN, RATE = Scale("PDE: Gain", "ADC/p.e."), Scale("Dark Box: Dark count rate of a channel", "kHz")
NUMBERS = ("values", "median", "robust sigma", "5 %", "95 %", "least", "greatest")


def hard_answers() -> dict[str, Said]:
    """Answers by what is hard about them."""
    chance = random.Random(20)  # noqa: S311

    def points(n: int, at: float) -> list[tuple[float, float]]:
        return [(chance.gauss(at, 2.0), math.exp(chance.gauss(5 + at / 20, 0.6))) for _ in range(n)]

    def course(name: str, n: int) -> CourseLine:
        first, moments = dt.date(2025, 12, 29), []
        for week in range(n):
            middle = chance.gauss(30, 0.5)
            day = first + dt.timedelta(weeks=week)
            moments.append(Moment(day, middle, middle - 1.3, middle + 1.1))
        return CourseLine(name, moments)

    clouds = [(name, points(400, 28 + n)) for n, name in enumerate(GROUPS[:4])]
    boxes = []
    for name in GROUPS:
        middle = chance.gauss(30, 2)
        boxes.append(Box(name, middle - 3, middle - 1, middle, middle + 1.4, middle + 4.2))
    edges = [24 + 0.5 * n for n in range(25)]
    histograms = [
        Bars(edges, [chance.randrange(10**n) for _ in range(24)], GAIN, Scale("values"), title=name)
        for n, name in zip(range(1, 13), GROUPS, strict=False)
    ]
    corners = ((20.0, 10.0), (44.0, 9000.0))
    apart = [Cloud(((name, points(60, 30)),), GAIN, RATE, name, corners) for name in GROUPS[:14]]
    return {
        "four clouds": _said(Answer("", None, [Cloud(tuple(clouds), GAIN, RATE)]), 4),
        "clouds apart": _said(Answer("", None, apart), 14),
        "boxes": _said(Answer("", None, [Boxes(tuple(boxes), RATE)]), 36),
        "histograms": _said(Answer("", None, histograms), 12),
        "weeks": _said(
            Answer("", None, [Course(tuple(course(one, 40) for one in GROUPS[:4]), GAIN)]), 300
        ),
        "nothing": _said(Answer("", None, [], notes=["5 values lie outside what is drawn."]), 0),
    }


def _said(found: Answer, rows: int) -> Said:
    found.heads = [("Grouped by", ""), *((one, "number") for one in NUMBERS)]
    for n in range(rows):
        value = 70.123 * 10.0 ** (n % 9 - 4)
        cells: list[Any] = [GROUPS[n % len(GROUPS)], 10 ** (n % 8), value, value / 30, None]
        found.rows.append([*cells, -value, value * 3, value * 4])
    found.facts = [("Pairs", 1600), ("Correlation (Pearson)", "0.031")]
    words = [("Quantity", "PDE: Gain"), ("Conditions", "; ".join([LONG] * 2)), ("Lot", UNBROKEN)]
    return Said(LONG if rows == 36 else "Gain of all lots", words, found)
