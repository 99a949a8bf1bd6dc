"""What the headings of a table may be: a curve, histogram, list, waveform or staircase."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mppcqa.tables.headings import DERIVED, edge_of, plain_head, roles_of
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.numbers import numbers
from mppcqa.tables.proposal import (
    Doubt,
    Proposal,
    by_conditions,
    channels_of,
    numbered,
    only,
    says,
    serials_doubt,
    source_of,
    unit_doubt,
)
from mppcqa.tables.shipped import GENERAL
from mppcqa.tables.source import Source
from mppcqa.tables.units import AMBIGUOUS, is_unit
from mppcqa.tables.words import say as _

CURRENT_UNIT, BIAS_UNIT, RATE_UNIT = "A", "V", "Hz"


def spectrum(
    path: Path, headings: list[Heading], where: dict[str, list[int]], reasons: list[str]
) -> Proposal:
    count = where["count"]
    charge = _charge_of_bins(headings, only(where["charge"], count))
    doubts = []
    if len(charge) > 1:
        names = ", ".join(headings[p].head for p in charge)
        doubts.append(Doubt(_("which column is the charge: %s?") % names))
    if len(count) > 1 and not by_conditions(headings, count) and not numbered(headings, count):
        names = ", ".join(headings[p].head for p in count)
        doubts.append(Doubt(_("which column has the counts: %s?") % names))
        count = count[:1]
    reasons += [says(headings[charge[0]], _("charge of a bin"))]
    reasons += [says(headings[place], _("number of events")) for place in count]
    columns = [Column(source_of(headings, charge[0]), "charge")]
    columns += [
        Column(source_of(headings, place), "count", channel=n)
        for n, place in channels_of(headings, count)
    ]
    return Proposal(
        Mapping(GENERAL["spectrum"], "table", "spectrum", tuple(columns)), reasons, doubts
    )


def _charge_of_bins(headings: list[Heading], places: list[int]) -> list[int]:
    """Of several columns the middles of bins, else their lower edges; a bin's number last."""
    words = [(place, plain_head(headings[place].name)) for place in places]
    middles = [p for p, word in words if "cent" in word]
    lower = [place for place in places if edge_of(headings[place]) < 0]
    meant = [p for p, word in words if word not in NUMBERS_OF_BINS and not edge_of(headings[p])]
    for some in (middles, meant, lower):
        if len(some) == 1:
            return some
    return meant or places


NUMBERS_OF_BINS = ("bin", "bins", "channel", "ch", "x", "index", "adc channel", "adc ch")
"""Headings of a bin's number, where another column has its charge."""


def curve(path: Path, source: Source, where: dict[str, list[int]], reasons: list[str]) -> Proposal:
    headings = source.columns
    doubts: list[Doubt] = []
    current = [p for p in where["current_a"] if p not in where["spread_a"]]
    bias = [p for p in where["bias_v"] if p not in current]
    listed = ", ".join(f"“{heading.head}”" for heading in headings)
    if not bias:
        return Proposal(
            None,
            [says(headings[current[0]], _("current"))],
            [Doubt(_("no column is the bias by its heading; there are %s") % listed)],
        )
    bias = _narrowed(headings, bias)
    current = _narrowed(headings, current)
    if len(bias) > 1 and len(bias) != len(current):
        names = ", ".join(headings[p].head for p in bias)
        doubts.append(Doubt(_("which is the bias: %s?") % names))
        bias = bias[:1]
    apart = by_conditions(headings, current)
    if len(current) > 1 and not apart and not numbered(headings, current):
        names = ", ".join(headings[p].head for p in current)
        doubts.append(Doubt(_("which is the current: %s?") % names))
        current = current[:1]
    columns, doubts_ = [], []
    for place in bias:
        columns.append(Column(source_of(headings, place), "bias_v"))
        reasons.append(says(headings[place], _("bias")))
        doubts_ += unit_doubt(headings[place], BIAS_UNIT)
    for n, place in apart or channels_of(headings, current):
        columns.append(Column(source_of(headings, place), "current_a", channel=n))
        reasons.append(says(headings[place], _("current")))
        doubts_ += unit_doubt(headings[place], CURRENT_UNIT)
    if len(where["spread_a"]) == len(current):
        columns += [
            Column(source_of(headings, place), "spread_a", channel=n)
            for n, place in _channels_of_spreads(headings, where["spread_a"], apart)
        ]
        reasons += [says(headings[p], _("spread of the current")) for p in where["spread_a"]]
    doubts += serials_doubt(headings, current)
    mapping = Mapping(GENERAL["iv"], "table", "iv", tuple(columns))
    return Proposal(mapping, reasons, [*doubts, *dict.fromkeys(doubts_)])


def _channels_of_spreads(
    headings: list[Heading], places: list[int], apart: list[tuple[int, int]]
) -> list[tuple[int, int]]:
    return [(0, place) for place in places] if apart else channels_of(headings, places)


def staircase(headings: list[Heading], where: dict[str, list[int]], reasons: list[str]) -> Proposal:
    """Rates against threshold; a channel a column of rates."""
    threshold = where["threshold"][0]
    spread = where["spread_hz"]
    rates = only(where["rate_hz"], [*where["threshold"], *spread])
    doubts: list[Doubt] = []
    if len(where["threshold"]) > 1:
        names = ", ".join(headings[place].head for place in where["threshold"])
        doubts.append(Doubt(_("which is the threshold: %s?") % names))
    apart = by_conditions(headings, rates)
    if len(rates) > 1 and not apart and not numbered(headings, rates):
        names = ", ".join(headings[place].head for place in rates)
        doubts.append(Doubt(_("which is the rate: %s?") % names))
        rates = rates[:1]
    unit = headings[threshold].unit
    columns = [Column(source_of(headings, threshold), "threshold", unit if is_unit(unit) else "")]
    if unit in AMBIGUOUS:
        doubts += unit_doubt(headings[threshold], "V")
    reasons.append(says(headings[threshold], _("threshold")))
    for n, place in channels_of(headings, rates):
        columns.append(Column(source_of(headings, place), "rate_hz", channel=n))
        reasons.append(says(headings[place], _("rate of counts")))
        doubts += unit_doubt(headings[place], RATE_UNIT)
    doubts += serials_doubt(headings, rates)
    if len(spread) == len(rates):
        columns += [
            Column(source_of(headings, place), "spread_hz", channel=n)
            for n, place in _channels_of_spreads(headings, spread, apart)
        ]
    return Proposal(
        Mapping(GENERAL["staircase"], "table", "staircase", tuple(columns)), reasons, doubts
    )


def _narrowed(headings: list[Heading], places: list[int]) -> list[int]:
    """Those of several that have a unit, where only some have."""
    with_unit = [place for place in places if headings[place].unit]
    return with_unit if 0 < len(with_unit) < len(places) else places


def waveform(
    path: Path, source: Source, where: dict[str, list[int]], reasons: list[str]
) -> Proposal:
    headings = source.columns
    time = where["time"][0]
    signals = [p for p in where["signal"] if p not in where["time"]]
    doubts = []
    if headings[time].unit or headings[time].name.lower() not in ("second", "seconds"):
        doubts += unit_doubt(headings[time], "s")
    for place in signals:
        if headings[place].unit or headings[place].name.lower() not in ("volt", "volts", "adc"):
            doubts += unit_doubt(headings[place], "V")
    event = next((n for n, one in enumerate(headings) if "event" in roles_of(one)), -1)
    if not _even(source, time, event):
        text = _("“%s” does not rise evenly: is it the time of samples?") % headings[time].head
        doubts.append(Doubt(text))
    reasons += [says(headings[time], _("time"))]
    reasons += [says(headings[place], _("signal")) for place in signals]
    columns = [Column(source_of(headings, time), "time")]
    columns += [
        Column(source_of(headings, place), "signal", channel=n)
        for n, place in channels_of(headings, signals)
    ]
    mapping = Mapping(GENERAL["waveform"], "table", "waveform", tuple(columns))
    return Proposal(mapping, reasons, doubts)


def sampled(headings: list[Heading], signals: list[int], reasons: list[str]) -> Proposal:
    """Waveforms whose samples are numbered: how far they lie apart is said with the import."""
    doubts: list[Doubt] = []
    columns = []
    for n, place in channels_of(headings, signals):
        columns.append(Column(source_of(headings, place), "signal", channel=n))
        reasons.append(says(headings[place], _("signal")))
        if headings[place].unit or headings[place].name.lower() not in ("volt", "volts", "adc"):
            doubts += unit_doubt(headings[place], "V")
    mapping = Mapping(GENERAL["waveform"], "table", "waveform", tuple(columns))
    return Proposal(mapping, reasons, doubts)


def _even(source: Source, place: int, event: int = -1, least: int = 2) -> bool:
    """Whether a column rises in even steps; of stacked events, within the first of them."""
    for chunk in source.chunks():
        values = numbers(chunk.cells[place], source.columns[place].decimal).value[:1000]
        if event >= 0:
            there = numbers(chunk.cells[event]).value[:1000]
            values = values[: int((there == there[0]).sum())]
        steps = np.diff(values)
        usual = float(np.median(steps)) if len(steps) else 0.0
        even = usual > 0 and bool(np.all(np.abs(steps - usual) <= 0.5 * usual))
        return even and len(values) >= least
    return False


LEAST_BINS = 10
"""Charges of fewer events may rise evenly by chance."""


def charges(
    path: Path,
    source: Source,
    where: dict[str, list[int]],
    plain: list[int],
    reasons: list[str],
) -> Proposal:
    """A list of events, a charge each; a histogram where the charge rises in even steps."""
    headings = source.columns
    names = [headings[place].head for place in plain]
    first = [p for p in plain if headings[p].name.lower() in FIRST_CHARGES] or plain
    doubts = []
    channels = len(first) > 1 and numbered(headings, first)
    grid = -1 if channels else next((p for p in first if _even(source, p, least=LEAST_BINS)), -1)
    others = [
        place
        for place, heading in enumerate(headings)
        if place != grid
        and "index" not in roles_of(heading)
        and not DERIVED.search(heading.name)
        and _are_counts(source, place)
    ]
    if grid >= 0 and others:
        if len(others) > 1 and not numbered(headings, others):
            listed = ", ".join(headings[place].head for place in others)
            doubts.append(
                Doubt(
                    _("“%(head)s” rises evenly, as bins do: which has the counts: %(names)s?")
                    % {"head": headings[grid].head, "names": listed}
                )
            )
        there = where | {"charge": [grid], "count": others}
        found = spectrum(path, headings, there, reasons)
        return Proposal(found.mapping, found.reasons, [*doubts, *found.doubts])
    if grid >= 0:
        text = _("“%s” rises evenly, as bins do: which column has the counts?")
        doubts.append(Doubt(text % headings[grid].head))
    if len(first) > 1 and not channels:
        doubts.append(Doubt(_("which is the charge: %s?") % ", ".join(names)))
        first = first[:1]
    columns = tuple(
        Column(source_of(headings, place), "charge", channel=n)
        for n, place in channels_of(headings, first)
    )
    reasons += [says(headings[place], _("charge of an event")) for place in first]
    return Proposal(Mapping(GENERAL["charge"], "table", "charge", columns), reasons, doubts)


def _are_counts(source: Source, place: int) -> bool:
    """Whether a column's first numbers are whole and none below zero."""
    for chunk in source.chunks():
        values = numbers(chunk.cells[place], source.columns[place].decimal).value[:1000]
        there = values[np.isfinite(values)]
        return len(there) > len(values) // 2 and bool(((there >= 0) & (there % 1 == 0)).all())
    return False


FIRST_CHARGES = ("energy", "hg", "charge", "q", "qdc", "pha_hg", "energylong", "integral")
"""Of several charges of one event the one that is meant."""
