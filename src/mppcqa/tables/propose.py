"""How a file may be read: a mapping with its reasons, and what has to be asked before.

Headings, units and the marks of formats decide; never how many columns there are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats import recognise
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.headings import plain_head, roles_of
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.numbers import numbers
from mppcqa.tables.shipped import GENERAL, SHIPPED
from mppcqa.tables.source import Reading, Source, open_source
from mppcqa.tables.units import is_unit
from mppcqa.tables.unreadable import named
from mppcqa.tables.words import say as _

CURRENT_UNIT, BIAS_UNIT, RATE_UNIT = "A", "V", "Hz"


LOOKED_FOR = (
    *("bias_v", "current_a", "spread_a", "count", "charge", "time", "signal"),
    *("threshold", "rate_hz", "spread_hz"),
)


@dataclass(frozen=True)
class Doubt:
    """What has to be answered; for a column without a unit, which it probably is."""

    text: str
    column: str = ""
    unit: str = ""

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Proposal:
    """A mapping that a file speaks for."""

    mapping: Mapping | None
    reasons: list[str] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    """What has to be answered first; empty where the proposal is certain."""

    @property
    def certain(self) -> bool:
        return self.mapping is not None and not self.doubts

    def with_unit(self, column: str, unit: str) -> Proposal:
        """The same once the unit of a column is known; raises `TableError` for one that is none."""
        if self.mapping is None or column not in {one.column for one in self.doubts if one.unit}:
            return self
        if not is_unit(unit):
            raise TableError(_("“%s” is no unit that is known") % unit)
        columns = tuple(
            replace(one, unit=unit) if column in (one.source, one.source.strip()) else one
            for one in self.mapping.columns
        )
        for one in columns:
            if one.conversion() is None:
                raise TableError(
                    _("“%(unit)s” is no unit of %(role)s") % {"unit": unit, "role": one.role}
                )
        doubts = [one for one in self.doubts if one.column != column]
        reason = _("“%(head)s” is in %(unit)s, as was said") % {"head": column, "unit": unit}
        return Proposal(replace(self.mapping, columns=columns), [*self.reasons, reason], doubts)


def propose(path: Path, mappings: Iterable[Mapping] = ()) -> Proposal:
    """The mapping that a file's own marks and headings speak for.

    `mappings` are those that were saved here; one of tables is proposed where all its headings are
    there. Raises `TableError` for what can't be read at all.
    """
    found = recognise(path)
    shipped = {one.name for one in SHIPPED}
    saved = [one for one in mappings if one.name not in shipped]
    if found is not None:
        return _by_marks(path, found, saved)
    if what := named(path):
        raise TableError(_("%(name)s is %(what)s") % {"name": path.name, "what": what})
    try:
        source = open_source(path, Reading())
    except TableError as error:
        raise TableError(f"{path.name}: {error}") from None
    fitting = [one for one in saved if one.format == "table" and _fits(one, source)]
    if len(fitting) == 1:
        reason = _("its headings are those of the saved mapping “%s”") % fitting[0].name
        return Proposal(fitting[0], [reason])
    if len(fitting) > 1:
        names = ", ".join(one.name for one in fitting)
        text = _("several saved mappings fit: %s; choose one") % names
        return Proposal(fitting[0], [], [Doubt(text)])
    return _by_headings(path, source)


def _by_marks(path: Path, found: object, saved: list[Mapping]) -> Proposal:
    from mppcqa.tables.formats import Format

    assert isinstance(found, Format)  # noqa: S101
    reason = _("the file bears the marks of: %s") % found.title
    if found.key in ("root", "hdf5"):
        fitting = [one for one in saved if one.format == found.key and _has_branches(path, one)]
        if len(fitting) == 1:
            return Proposal(fitting[0], [reason, _("it has what “%s” names") % fitting[0].name])
        return _by_branches(path, found.key, reason, len(fitting))
    own = [one for one in saved if one.format == found.key]
    return Proposal(own[0] if len(own) == 1 else found.mapping(), [reason])


def _fits(mapping: Mapping, source: Source) -> bool:
    """Whether a table has all headings that a mapping names; numbers of columns prove nothing."""
    heads = {heading.head for heading in source.columns}
    named_ = [column.source for column in mapping.columns]
    return bool(named_) and all(name in heads and not name.isdigit() for name in named_)


def _has_branches(path: Path, mapping: Mapping) -> bool:
    from mppcqa.tables.contents import contents

    there = contents(path)
    trees = [mapping.tree] if mapping.tree else list(there)
    wanted = {column.source for column in mapping.columns}
    return any(wanted <= set(there.get(tree, [])) for tree in trees) and bool(wanted)


def _by_branches(path: Path, form: str, reason: str, fitting: int) -> Proposal:
    """A tree whose branches' names and units say what they are."""
    from mppcqa.tables.contents import contents, propose_of

    if fitting > 1:
        return Proposal(None, [reason], [Doubt(_("several saved mappings fit; choose one"))])
    found = propose_of(path, form)
    if found is not None:
        return Proposal(found, [reason, _("names of its branches")])
    listed = "; ".join(
        f"{name}: {', '.join(keys[:12])}" if keys else name for name, keys in contents(path).items()
    )
    text = _("say what is in it with a mapping; it holds %s")
    return Proposal(None, [reason], [Doubt(text % (listed[:600] or _("nothing")))])


def _by_headings(path: Path, source: Source) -> Proposal:
    headings = source.columns
    if not source.used.has_head:
        return _without_headings(path, source)
    means = [roles_of(heading) for heading in headings]
    where = {
        role: [place for place, roles in enumerate(means) if role in roles] for role in LOOKED_FOR
    }
    reasons: list[str] = []
    if any("serial" in roles for roles in means) and _a_row_a_device(source, means):
        text = _("each row is another device: import it as a table (import table), not as raw data")
        return Proposal(None, [], [Doubt(text)])
    if what := _named_by_headings(headings, means):
        return Proposal(None, [], [Doubt(what)])
    if where["threshold"] and where["rate_hz"]:
        return _staircase(headings, where, reasons)
    if where["count"] and _only(where["charge"], where["count"]):
        return _spectrum(path, headings, where, reasons)
    if where["current_a"]:
        return _curve(path, source, where, reasons)
    if where["time"] and [p for p in where["signal"] if p not in where["time"]]:
        return _waveform(path, source, where, reasons)
    plain = [p for p in where["charge"] if "channel" not in means[p]]
    if plain:
        return _list(path, headings, plain, reasons)
    there = ", ".join(f"“{heading.head}”" for heading in headings[:12])
    text = _("the headings %s tell nothing that is known: choose a mapping") % there
    return Proposal(None, [], [Doubt(text)])


def _named_by_headings(headings: list[Heading], means: list[list[str]]) -> str:
    """Tables that are recognised and hold nothing that can be analysed here; else empty."""
    names = {plain_head(heading.name) for heading in headings}
    if {"coarse", "fine", "tdc"} <= names:
        return _(
            "it is a list of hits of ALCOR, which has times and no charges: count the hits and "
            "import the rates as a table of values (import table)"
        )
    if any("threshold" in roles for roles in means) and not any("rate_hz" in r for r in means):
        return _("it has thresholds and no rates: name the column of rates with its unit [Hz]")
    return ""


def _a_row_a_device(source: Source, means: list[list[str]]) -> bool:
    place = next(at for at, roles in enumerate(means) if "serial" in roles)
    for chunk in source.chunks():
        serials = chunk.cells[place].to_pylist()
        return len(set(serials)) == len(serials)
    return False


def _only(places: list[int], but: list[int]) -> list[int]:
    return [place for place in places if place not in but]


def _say(heading: Heading, role: str) -> str:
    unit = f" [{heading.unit}]" if heading.unit else ""
    return _("“%(head)s” is the %(role)s%(unit)s") % {
        "head": heading.head,
        "role": role,
        "unit": unit,
    }


def _source(headings: list[Heading], place: int) -> str:
    """How a mapping names a column: by its heading, or by its number where that is not unique."""
    head = headings[place].head
    several = [h.head for h in headings].count(head) > 1
    return str(place + 1) if several or head.isdigit() or head.startswith("#") else head


def _spectrum(
    path: Path, headings: list[Heading], where: dict[str, list[int]], reasons: list[str]
) -> Proposal:
    count = where["count"]
    charge = _only(where["charge"], count)
    doubts = []
    if len(charge) > 1:
        names = ", ".join(headings[p].head for p in charge)
        doubts.append(Doubt(_("which column is the charge: %s?") % names))
    reasons += [_say(headings[charge[0]], _("charge of a bin"))]
    reasons += [_say(headings[place], _("number of events")) for place in count]
    columns = [Column(_source(headings, charge[0]), "charge")]
    columns += [
        Column(_source(headings, place), "count", channel=n)
        for n, place in _channels(headings, count)
    ]
    return Proposal(
        Mapping(GENERAL["spectrum"], "table", "spectrum", tuple(columns)), reasons, doubts
    )


def _curve(path: Path, source: Source, where: dict[str, list[int]], reasons: list[str]) -> Proposal:
    headings = source.columns
    doubts: list[Doubt] = []
    current = [p for p in where["current_a"] if p not in where["spread_a"]]
    bias = [p for p in where["bias_v"] if p not in current]
    listed = ", ".join(f"“{heading.head}”" for heading in headings)
    if not bias:
        return Proposal(
            None,
            [_say(headings[current[0]], _("current"))],
            [Doubt(_("no column is the bias by its heading; there are %s") % listed)],
        )
    bias = _narrowed(headings, bias)
    current = _narrowed(headings, current)
    if len(bias) > 1 and len(bias) != len(current):
        names = ", ".join(headings[p].head for p in bias)
        doubts.append(Doubt(_("which is the bias: %s?") % names))
        bias = bias[:1]
    if len(current) > 1 and not _numbered(headings, current):
        names = ", ".join(headings[p].head for p in current)
        doubts.append(Doubt(_("which is the current: %s?") % names))
        current = current[:1]
    columns, doubts_ = [], []
    for place in bias:
        columns.append(Column(_source(headings, place), "bias_v"))
        reasons.append(_say(headings[place], _("bias")))
        doubts_ += _unit_doubt(headings[place], BIAS_UNIT)
    for n, place in _channels(headings, current):
        columns.append(Column(_source(headings, place), "current_a", channel=n))
        reasons.append(_say(headings[place], _("current")))
        doubts_ += _unit_doubt(headings[place], CURRENT_UNIT)
    if len(where["spread_a"]) == len(current):
        columns += [
            Column(_source(headings, place), "spread_a", channel=n)
            for n, place in _channels(headings, where["spread_a"])
        ]
        reasons += [_say(headings[p], _("spread of the current")) for p in where["spread_a"]]
    mapping = Mapping(GENERAL["iv"], "table", "iv", tuple(columns))
    return Proposal(mapping, reasons, [*doubts, *dict.fromkeys(doubts_)])


def _staircase(
    headings: list[Heading], where: dict[str, list[int]], reasons: list[str]
) -> Proposal:
    """Rates against threshold; a channel a column of rates."""
    threshold = where["threshold"][0]
    spread = where["spread_hz"]
    rates = _only(where["rate_hz"], [*where["threshold"], *spread])
    doubts: list[Doubt] = []
    if len(where["threshold"]) > 1:
        names = ", ".join(headings[place].head for place in where["threshold"])
        doubts.append(Doubt(_("which is the threshold: %s?") % names))
    if len(rates) > 1 and not _numbered(headings, rates):
        names = ", ".join(headings[place].head for place in rates)
        doubts.append(Doubt(_("which is the rate: %s?") % names))
        rates = rates[:1]
    unit = headings[threshold].unit
    columns = [Column(_source(headings, threshold), "threshold", unit if is_unit(unit) else "")]
    reasons.append(_say(headings[threshold], _("threshold")))
    for n, place in _channels(headings, rates):
        columns.append(Column(_source(headings, place), "rate_hz", channel=n))
        reasons.append(_say(headings[place], _("rate of counts")))
        doubts += _unit_doubt(headings[place], RATE_UNIT)
    if len(spread) == len(rates):
        columns += [
            Column(_source(headings, place), "spread_hz", channel=n)
            for n, place in _channels(headings, spread)
        ]
    return Proposal(
        Mapping(GENERAL["staircase"], "table", "staircase", tuple(columns)), reasons, doubts
    )


def _narrowed(headings: list[Heading], places: list[int]) -> list[int]:
    """Those of several that have a unit, where only some have."""
    with_unit = [place for place in places if headings[place].unit]
    return with_unit if 0 < len(with_unit) < len(places) else places


def _channels(headings: list[Heading], places: list[int]) -> list[tuple[int, int]]:
    """Channel of each column: by the number in its heading, where all have one of their own.

    Those that begin with 1 count from 1; others are taken as they are.
    """
    if len(places) < 2 or not _numbered(headings, places):
        return list(enumerate(places))
    numbers = [int(found[0]) for place in places
               if (found := re.search(r"\d+(?=\D*$)", headings[place].name))]  # fmt: skip
    if len(set(numbers)) < len(places) or max(numbers) >= 10_000:
        return list(enumerate(places))
    first = 1 if min(numbers) == 1 else 0
    return [(number - first, place) for number, place in zip(numbers, places, strict=True)]


def _numbered(headings: list[Heading], places: list[int]) -> bool:
    """Whether headings differ by a number alone, as those of channels do."""
    names = [headings[place].name for place in places]
    bare = {re.sub(r"\d+", "", name) for name in names}
    return len(bare) == 1 and len(set(names)) == len(names)


def _unit_doubt(heading: Heading, unit: str) -> list[Doubt]:
    if heading.unit:
        return []
    text = _("“%(head)s” has no unit: is it %(unit)s?") % {"head": heading.head, "unit": unit}
    return [Doubt(text, heading.head, unit)]


def _waveform(
    path: Path, source: Source, where: dict[str, list[int]], reasons: list[str]
) -> Proposal:
    headings = source.columns
    time = where["time"][0]
    signals = [p for p in where["signal"] if p not in where["time"]]
    doubts = []
    if not headings[time].unit and headings[time].name.lower() not in ("second", "seconds"):
        doubts += _unit_doubt(headings[time], "s")
    for place in signals:
        name = headings[place].name.lower()
        if not headings[place].unit and name not in ("volt", "volts", "adc"):
            doubts += _unit_doubt(headings[place], "V")
    if not _even(source, time):
        text = _("“%s” does not rise evenly: is it the time of samples?") % headings[time].head
        doubts.append(Doubt(text))
    reasons += [_say(headings[time], _("time"))]
    reasons += [_say(headings[place], _("signal")) for place in signals]
    columns = [Column(_source(headings, time), "time")]
    columns += [
        Column(_source(headings, place), "signal", channel=n)
        for n, place in _channels(headings, signals)
    ]
    mapping = Mapping(GENERAL["waveform"], "table", "waveform", tuple(columns))
    return Proposal(mapping, reasons, doubts)


def _even(source: Source, place: int) -> bool:
    for chunk in source.chunks():
        values = numbers(chunk.cells[place], source.columns[place].decimal).value[:1000]
        steps = np.diff(values)
        usual = float(np.median(steps)) if len(steps) else 0.0
        return usual > 0 and bool(np.all(np.abs(steps - usual) <= 0.5 * usual))
    return False


def _list(path: Path, headings: list[Heading], plain: list[int], reasons: list[str]) -> Proposal:
    """A list of events, a charge each."""
    names = [headings[place].head for place in plain]
    first = [p for p in plain if headings[p].name.lower() in FIRST_CHARGES] or plain
    doubts = []
    if len(first) > 1 and not _numbered(headings, first):
        doubts.append(Doubt(_("which is the charge: %s?") % ", ".join(names)))
        first = first[:1]
    columns = tuple(
        Column(_source(headings, place), "charge", channel=n)
        for n, place in _channels(headings, first)
    )
    reasons += [_say(headings[place], _("charge of an event")) for place in first]
    return Proposal(Mapping(GENERAL["charge"], "table", "charge", columns), reasons, doubts)


FIRST_CHARGES = ("energy", "hg", "charge", "q", "qdc", "pha_hg", "energylong", "integral")
"""Of several charges of one event the one that is meant."""


def _without_headings(path: Path, source: Source) -> Proposal:
    fitting = [one.name for one in SHIPPED if one.format == "table" and one.columns]
    text = _(
        "the columns have no headings, and %(n)d columns of numbers may be anything: choose a "
        "mapping, for instance %(names)s"
    )
    names = "; ".join(f"“{name}”" for name in fitting[:3])
    return Proposal(None, [], [Doubt(text % {"n": len(source.columns), "names": names})])
