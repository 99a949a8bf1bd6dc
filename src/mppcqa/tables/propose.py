"""How a file may be read: a mapping with its reasons, and what has to be asked before.

Headings, units and the marks of formats decide; never how many columns there are.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from mppcqa.tables.channel_names import channel_numbers
from mppcqa.tables.errors import TableError
from mppcqa.tables.formats import recognise
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.headings import plain_head, roles_of
from mppcqa.tables.layout import SAMPLES
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.numbers import numbers
from mppcqa.tables.opening import open_source
from mppcqa.tables.proposal import Doubt, Proposal, only
from mppcqa.tables.proposed_kinds import charges, curve, sampled, spectrum, staircase, waveform
from mppcqa.tables.rows import counts_from_one, keys_of
from mppcqa.tables.shipped import shipped
from mppcqa.tables.source import Reading, Source
from mppcqa.tables.units import Unit, read_unit
from mppcqa.tables.unreadable import named
from mppcqa.tables.words import say as _

LEAST_SAMPLES = 16
"""Rows that are numbered are samples of a waveform from here on, where a signal stands beside."""
LOOKED_FOR = (
    *("bias_v", "current_a", "spread_a", "count", "charge", "time", "signal"),
    *("threshold", "rate_hz", "spread_hz"),
)


def propose(path: Path, mappings: Iterable[Mapping] = ()) -> Proposal:
    """The mapping that a file's own marks and headings speak for.

    `mappings` are those that were saved here; one of tables is proposed where all its headings are
    there. Raises `TableError` for what can't be read at all.
    """
    found = recognise(path)
    ours = {one.name for one in shipped()}
    saved = [one for one in mappings if one.name not in ours]
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
    return counted_from(_by_headings(path, source), source)


def counted_from(proposal: Proposal, source: Source) -> Proposal:
    """The same, with the number of the first channel where a column of channels says it."""
    if proposal.mapping is None:
        return proposal
    headings = source.columns
    taken = [n for n, h in enumerate(headings) for c in proposal.mapping.columns
             if c.source in (h.head, str(n + 1))]  # fmt: skip
    keys = {column.role: place for place, column in keys_of(headings, taken, proposal.mapping)}
    if "channel" not in keys or "board" in keys or "event" in keys:
        return proposal  # a digitizer's, which count from 0
    place = keys["channel"]
    for chunk in source.chunks():
        found = channel_numbers(chunk.cells[place], headings[place].decimal).value
        if last := counts_from_one(found):
            reason = _("the channels in “%(head)s” are 1 to %(last)d: they count from 1")
            words = {"head": headings[place].head, "last": last}
            return replace(
                proposal,
                mapping=replace(proposal.mapping, channels_from=1),
                reasons=[*proposal.reasons, reason % words],
            )
        break
    return proposal


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
    return Proposal(own[0] if len(own) == 1 else found.proposed(path), [reason])


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
    if where["charge"]:  # an event's samples beside its charge
        where["signal"] = [p for p in where["signal"] if plain_head(headings[p].name) != SAMPLES]
    signals = [place for place in where["signal"] if "serial" not in means[place]]
    rows = [p for p, roles in enumerate(means) if {"serial", "index"} & set(roles)]
    others = any(where[role] for role in ("time", "current_a", "count", "rate_hz", "threshold"))
    if signals and not others and any(_numbers_rows(source, place) for place in rows):
        return sampled(headings, signals, reasons)
    if any("serial" in roles for roles in means) and _a_row_a_device(source, means):
        text = _("each row is another device: import it as a table (import table), not as raw data")
        return Proposal(None, [], [Doubt(text)])
    if what := _named_by_headings(headings, means):
        return Proposal(None, [], [Doubt(what)])
    if where["threshold"] and where["rate_hz"]:
        return staircase(headings, where, reasons)
    if where["count"] and only(where["charge"], where["count"]):
        return spectrum(path, headings, where, reasons)
    if where["current_a"]:
        return curve(path, source, where, reasons)
    if where["time"] and [p for p in where["signal"] if p not in where["time"]]:
        return waveform(path, source, where, reasons)
    plain = [p for p in where["charge"] if "channel" not in means[p]]
    if plain:
        return charges(path, source, where, plain, reasons)
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
    steps = [one for one in headings if plain_head(one.name) in ("frequency", "freq", "frecuencia")]
    if any((read_unit(one.unit) or Unit("")).base == "Hz" for one in steps) and not any(
        "threshold" in roles or "current_a" in roles for roles in means
    ):
        return _("it is a spectrum of frequencies, which has neither charges nor counts")
    if any("threshold" in roles for roles in means) and not any("rate_hz" in r for r in means):
        return _("it has thresholds and no rates: name the column of rates with its unit [Hz]")
    return ""


def _numbers_rows(source: Source, place: int) -> bool:
    """Whether a column counts the rows as samples are counted: by one, and there are many."""
    for chunk in source.chunks():
        found = numbers(chunk.cells[place], source.columns[place].decimal).value[:1000]
        return len(found) >= LEAST_SAMPLES and bool(np.all(np.diff(found) == 1))
    return False


def _a_row_a_device(source: Source, means: list[list[str]]) -> bool:
    place = next(at for at, roles in enumerate(means) if "serial" in roles)
    for chunk in source.chunks():
        serials = chunk.cells[place].to_pylist()
        return len(set(serials)) == len(serials)
    return False


def _without_headings(path: Path, source: Source) -> Proposal:
    fitting = [one.name for one in shipped() if one.format == "table" and one.columns]
    text = _(
        "the columns have no headings, and %(n)d columns of numbers may be anything: choose a "
        "mapping, for instance %(names)s"
    )
    names = "; ".join(f"“{name}”" for name in fitting[:3])
    return Proposal(None, [], [Doubt(text % {"n": len(source.columns), "names": names})])
