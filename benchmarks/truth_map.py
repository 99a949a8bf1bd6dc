"""The map of validity in `docs/physics.md`, made from the cases of `benchmarks.truth`.

    make bench BENCH=truth ARGS="--cases 10000 --seed 72 --map docs/physics.md"

writes it between both marks of that file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.truth_cases import KINDS, TROUBLES, Case

BEGIN, END = "<!-- map: made by benchmarks.truth -->", "<!-- end of the map -->"
TITLES = {
    "pair": "Pairs of a light and a dark spectrum", "light": "Light spectra alone",
    "dark": "Dark spectra alone", "waveforms": "Dark waveforms", "iv": "IV curves",
}  # fmt: skip
QUANTITIES = {
    "pair": ("gain", "light", "crosstalk", "dark_rate", "afterpulses"),
    "light": ("gain", "light", "crosstalk"), "dark": ("gain", "crosstalk", "dark_rate"),
    "waveforms": ("dark_rate", "crosstalk", "afterpulses"), "iv": ("breakdown",),
}  # fmt: skip
OF_ITSELF = ("gain", "light", "dark_rate")
"""What is off by so many per cent of itself; the others by themselves, in their own unit."""
FEWEST = 10
"""Values of which something is told."""

Measure = Callable[[Case, str], float]


def _cell(cases: list[Case], name: str, off_by: Measure) -> str:
    """Median deviation, and how many in a hundred lie within 1.96 of their uncertainties."""
    found = [one for one in cases if name in one.found]
    if len(found) < FEWEST:
        return "-"
    away = np.abs([off_by(one, name) for one in found])
    within = np.mean([a < 1.96 * one.found[name][1] for a, one in zip(away, found, strict=True)])
    if name in OF_ITSELF:
        away = away / [float(np.mean(one.truth[name])) for one in found]
        size = f"{100 * np.median(away):.2g} %"
    else:
        size = f"{np.median(away):.2g}" + (" V" if name == "breakdown" else "")
    return f"{size} ({100 * within:.0f})"


def table(kind: str, cases: list[Case], *, off_by: Measure, refused: Callable[[Case], bool]) -> str:
    """Table of one kind: a row for ordinary cases and one for each trouble, alone or with others.

    Of what can't be had from the data (`Case.tellable`) it is right that it is withheld.
    """
    names = QUANTITIES[kind]
    heads = ["trouble", "cases", "withheld", *(name.replace("_", " ") for name in names)]
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for trouble in ("none", *TROUBLES[kind]):
        mine = [one for one in cases if one.kind == kind]
        mine = [one for one in mine if trouble in (one.troubles or ("none",))]
        if not mine:
            continue
        withheld = f"{100 * np.mean([refused(one) for one in mine]):.0f} %"
        if not any(one.tellable for one in mine):
            withheld += ", rightly"
        cells = [trouble, str(len(mine)), withheld, *(_cell(mine, one, off_by) for one in names)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(
    path: Path,
    cases: list[Case],
    made: str,
    *,
    off_by: Measure,
    refused: Callable[[Case], bool],
) -> None:
    """Put the map between its marks in a file; ValueError where it has none."""
    before, begin, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{path} has no map: {BEGIN} and {END} say where it goes")
    parts = [begin, f"Made by `{made}`."]
    for kind in dict.fromkeys(KINDS):
        found = table(kind, cases, off_by=off_by, refused=refused)
        parts.append(f"### {TITLES[kind]}\n\n{found}")
    path.write_text(before + "\n\n".join([*parts, end]) + after, encoding="utf-8")
