"""The columns of a table that a mapping names, as arrays; and those that tell its rows apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mppcqa.tables.channel_names import channel_numbers
from mppcqa.tables.endings import LOOKED_AT, last_texts, rows_kept
from mppcqa.tables.errors import TableError
from mppcqa.tables.headings import Column as Heading
from mppcqa.tables.headings import edge_of, roles_of
from mppcqa.tables.limit_flags import limit_flags, without_limited
from mppcqa.tables.mapping import KEYS, ROLE_UNITS, Column, Mapping
from mppcqa.tables.measured import Floats
from mppcqa.tables.numbers import AMBIGUOUS, Numbers, numbers, texts, to_number
from mppcqa.tables.opening import open_source
from mppcqa.tables.source import Reading, Source
from mppcqa.tables.units import AMBIGUOUS as UNCLEAR_UNITS
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

LARGEST_CHANNEL = 4096
MOST_LIGHTS = 20
"""Settings of a light source that one table holds; more are readings of another detector."""


@dataclass
class Rows:
    """Columns in the mapping's order and in its units; NaN where nothing was measured."""

    columns: list[tuple[Column, Floats]]
    serials: list[str] | None = None
    """Serial number of each row, where a column says it."""
    facts: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, role: str) -> Floats | None:
        return next((values for column, values in self.columns if column.role == role), None)


_COLUMN_NUMBER = re.compile("[1-9][0-9]{0,5}")
"""Digits from 0 to 9 alone: Python takes ``²`` for a digit too, and then fails on it."""


def read_rows(path: Path, mapping: Mapping, limit: int | None = None) -> Rows:
    """A table by a mapping; `TableError` names line and column of what can't be read.

    Columns that tell channels, boards, events or devices apart are read whether the mapping names
    them or not. `limit` reads the first piece of a large file only.
    """
    try:
        source = open_source(
            path,
            Reading(
                delimiter=mapping.separator,
                decimal=mapping.decimal,
                sheet=mapping.tree,
                skip_lines=mapping.skip_lines,
            ),
        )
        return _read(source, path.name, mapping, limit)
    except TableError as error:
        text = str(error)
        raise TableError(text if text.startswith(path.name) else f"{path.name}: {text}") from None


def _read(source: Source, name: str, mapping: Mapping, limit: int | None) -> Rows:
    places = [column_place(column, source.columns, name) for column in mapping.columns]
    refuse_contradictions(mapping, [source.columns[place] for place in places], name)
    extra = keys_of(source.columns, places, mapping)
    wanted_places = [*places, *(place for place, _column in extra)]
    flags = limit_flags(source.columns, wanted_places) if mapping.kind == "iv" else []
    numbered, cells, last = _cells(source, name, [*wanted_places, *flags], limit)
    kept = rows_kept(source, mapping, places, cells, last if limit is None else [])
    rows = Rows([], facts=dict(source.facts))
    no_rows = np.flatnonzero(~kept)
    for place in flags:
        kept, told = without_limited(kept, cells.pop(place), source.columns[place])
        rows.notes += told
    dropped = not bool(kept.all())
    found: list[tuple[Column, Floats]] = []
    wanted = [*zip(mapping.columns, places, strict=True), *((c, p) for p, c in extra)]
    for column, place in wanted:
        part = cells[place].filter(pa.array(kept)) if dropped else cells[place]
        if column.role == "serial":
            rows.serials = texts(part).to_pylist()
            continue
        heading = source.columns[place]
        reads = channel_numbers if column.role == "channel" else numbers
        values = reads(part, heading.decimal)
        if column.role == "light" and column.source.isdigit() and values.broken.any():
            continue  # words that nobody mapped
        _refuse_broken(name, column, heading, values, part, numbered[kept])
        change = column.conversion(heading.unit)
        if change is None:
            due = column.due or "V"
            raise TableError(
                _("%(head)s: the unit %(unit)s is not one of %(role)s (%(due)s)")
                % {"head": heading.head, "unit": heading.unit, "role": column.role, "due": due}
            )
        if column.role == "charge":
            rows.notes += _in_its_unit(column.unit or heading.unit)
        numbered_here = values.changed(change.factor, change.offset).value
        found.append(
            (_as_headed(column, heading), _centres(mapping, column, heading, numbered_here))
        )
    if not len(numbered[kept]):
        raise TableError(_("the table holds no line"))
    found = _telling(found, len(mapping.columns), rows)
    rows.columns = found
    for at in no_rows[:3].tolist():
        said = " ".join(str(cells[place][at].as_py() or "") for place in sorted(cells)).strip()
        rows.notes.append(
            _("line %(line)d is no row of the table and is left out: “%(text)s”")
            % {"line": int(numbered[at]), "text": said[:60]}
        )
    rows.notes += [note for note in source.notes if "“" in note]
    if len(source.sheets) > 1:
        others = ", ".join(f"“{one}”" for one in source.sheets if one != source.used.sheet)
        rows.notes.append(_("Sheets that are not read: %s.") % others)
    unused = [
        c.head
        for i, c in enumerate(source.columns)
        if i not in cells and i not in flags and not c.head.startswith("#")
    ]
    if unused:
        rows.notes.append(_("Columns that are not used: %s.") % ", ".join(unused[:20]))
    return rows


def _in_its_unit(unit: str) -> list[str]:
    """What to know of charges in another unit than a digitizer's: a gain by them is in it too."""
    known = read_unit(unit) if unit else None
    base = unit if known is None else known.base
    text = _("the charges are in %(unit)s, and so is a gain by them, not in ADC")
    return [text % {"unit": base}] if base not in ("", "ADC") else []


def _as_headed(column: Column, heading: Heading) -> Column:
    """A column with the unit and the conditions that its heading says, where the mapping does not.

    >>> from mppcqa.tables.headings import read_head
    >>> _as_headed(Column("I_light (A)", "current_a"), read_head("I_light (A)")).at
    {'light': 1.0}
    """
    at = dict(heading.conditions)
    if column.role in ("current_a", "charge", "count"):
        at = light_of(heading.name) | at
    return replace(column, unit=column.unit or heading.unit, at={**at, **column.at})


LIT = re.compile(
    r"(?i)(?:^|[\W_]|i)(?:light|led|lit|photo|illum\w*|laser|luz)(?:[\W_\d]|$)|photo ?curr"
)
DARK = re.compile(r"(?i)(?:^|[\W_]|i)(?:dark|oscur\w*|dunkel\w*)")


def light_of(name: str) -> dict[str, float]:
    """Light by the name of a column: ``I_dark``, ``I_light``; empty where it says nothing."""
    lit, dark = bool(LIT.search(name)), bool(DARK.search(name))
    return {} if lit == dark else {"light": float(lit)}


def _centres(mapping: Mapping, column: Column, heading: Heading, values: Floats) -> Floats:
    """Middles of bins whose edges a column names; anything else as it is."""
    edge = edge_of(heading) if (mapping.kind, column.role) == ("spectrum", "charge") else 0
    there = values[np.isfinite(values)]
    if not edge or len(there) < 2:
        return values
    return values - edge * 0.5 * float(np.median(np.diff(there)))


def column_place(column: Column, headings: Sequence[Heading], name: str) -> int:
    """Place of a column (from 0) by its heading or its number."""
    heads = [heading.head for heading in headings]
    if column.source in heads:
        return heads.index(column.source)
    plain = {re.sub(r"\W+", "", head).lower(): place for place, head in enumerate(heads)}
    names = {re.sub(r"\W+", "", h.name).lower(): place for place, h in enumerate(headings)}
    wanted = re.sub(r"\W+", "", column.source).lower()
    number = _COLUMN_NUMBER.fullmatch(column.source)
    if number:
        if int(column.source) <= len(heads):
            return int(column.source) - 1
    elif wanted and wanted in plain | names:
        return (names | plain)[wanted]
    if number:
        raise TableError(
            _(
                "%(name)s: there are %(n)d columns, none is number %(source)s: no table of "
                "numbers, or another separator; is it the right mapping?"
            )
            % {"name": name, "n": len(heads), "source": column.source}
        )
    there = ", ".join(head for head in heads if head) or _("no headings")
    raise TableError(
        _("%(name)s: there is no column “%(source)s”; there are %(there)s")
        % {"name": name, "source": column.source, "there": there}
    )


def refuse_contradictions(mapping: Mapping, headings: Sequence[Heading], name: str) -> None:
    """Refuse a mapping that says other things than the headings do: units, or what a column is."""
    for column, heading in zip(mapping.columns, headings, strict=True):
        means = roles_of(heading)
        if column.unit and heading.unit and column.due and heading.unit not in UNCLEAR_UNITS:
            here, there = column.conversion(), replace(column, unit="").conversion(heading.unit)
            if here is None or there is None or here != there:
                raise TableError(
                    _(
                        "%(name)s: the heading “%(head)s” gives the unit %(unit)s, the mapping "
                        "says %(said)s; leave the unit out of the mapping, or correct the heading"
                    )
                    % {
                        "name": name,
                        "head": heading.head,
                        "unit": heading.unit,
                        "said": column.unit,
                    }
                )
        if means and column.role in ROLE_UNITS and not _may_be(column.role, means):
            raise TableError(
                _("%(name)s: the column “%(head)s” is no %(role)s by its heading (%(means)s)")
                % {
                    "name": name,
                    "head": heading.head,
                    "role": ROLE_WORDS.get(column.role, column.role),
                    "means": ", ".join(ROLE_WORDS.get(one, one) for one in means),
                }
            )


ROLE_WORDS = {
    "bias_v": "bias voltage",
    "current_a": "current",
    "spread_a": "spread of the current",
    "rate_hz": "rate",
    "spread_hz": "spread of the rate",
    "temperature_c": "temperature",
    "count": "counts",
}


def _may_be(role: str, means: Sequence[str]) -> bool:
    if role in means:
        return True
    alike = {
        "bias_v": {"signal", "charge"} - {"charge"},
        "current_a": {"signal"},
        "spread_a": {"signal", "current_a"},
        "rate_hz": {"count"},
        "spread_hz": {"rate_hz"},
        "time": {"index"},
    }
    return bool(alike.get(role, set()) & set(means))


def keys_of(
    headings: Sequence[Heading], taken: Sequence[int], mapping: Mapping
) -> list[tuple[int, Column]]:
    """Columns that no mapping names and that say what a row is of: channel, event, device."""
    found: list[tuple[int, Column]] = []
    mapped = {column.role for column in mapping.columns}
    several = len(mapping.of_role("current_a")) > 1 or len(mapping.of_role("count")) > 1
    for place, heading in enumerate(headings):
        if place in taken:
            continue
        means = roles_of(heading)
        for role in KEYS:
            if role == "serial" and mapping.kind == "waveform" and "signal" in means:
                continue  # samples that are numbered, not devices
            if role in means and role not in mapped and not (several and role != "serial"):
                found.append((place, Column(str(place + 1), role)))
                mapped.add(role)
                break
        else:
            condition = "temperature_c" if "temperature_c" in means else ""
            if mapping.kind == "iv" and means == ["light"]:
                condition = "light"
            if condition and condition not in mapped and condition not in mapping.conditions:
                found.append((place, Column(str(place + 1), condition)))
                mapped.add(condition)
    return found


def _cells(
    source: Source, name: str, places: Sequence[int], limit: int | None
) -> tuple[np.ndarray, dict[int, pa.Array], list[list[str]]]:
    """Numbers of the lines, the cells of some columns, and all texts of the last lines."""
    lines: list[np.ndarray] = []
    last: list[list[str]] = []
    parts: dict[int, list[Any]] = {place: [] for place in places}
    for chunk in source.chunks():
        if chunk.faults:
            first = min(chunk.faults, key=lambda fault: fault.row or 0)
            raise TableError(
                _("%(name)s: line %(line)d: %(what)s; was the file cut off?")
                % {"name": name, "line": first.row or 0, "what": first.what}
            )
        lines.append(chunk.rows)
        for place in parts:
            parts[place].append(chunk.cells[place])
        last = [*last, *last_texts(chunk.cells)][-LOOKED_AT:]
        if limit is not None:
            break
    if not lines:
        raise TableError(_("%s: the table holds no line") % name)
    whole = {place: pa.concat_arrays(part) for place, part in parts.items()}
    return np.concatenate(lines), whole, last


def _refuse_broken(
    name: str,
    column: Column,
    heading: Heading,
    found: Numbers,
    cells: pa.Array,
    lines: np.ndarray,
) -> None:
    """`TableError` for the first cell that is no number: line, column, and what to do."""
    if column.role in KEYS:
        bad = found.broken | found.infinite | found.limit
    else:
        bad = found.broken | found.limit | (found.infinite & ~np.isnan(found.value))
        # A file that NumPy wrote has nan where nothing was read.
        bad |= found.infinite & np.isnan(found.value) & (column.role in ("signal", "count"))
    if not bad.any():
        return
    at = int(np.flatnonzero(bad)[0])
    text = str(cells[at].as_py())[:40]
    where = _("%(name)s: line %(line)d, column %(column)s") % {
        "name": name,
        "line": int(lines[at]),
        "column": heading.head if not heading.head.startswith("#") else column.source,
    }
    if found.infinite[at]:
        raise TableError(f"{where}: " + _("not a finite number"))
    if found.limit[at]:
        raise TableError(f"{where}: " + _("“%s” is a limit, not a value") % text)
    if heading.decimal == AMBIGUOUS or to_number(text, ".") is not None:
        raise TableError(
            f"{where}: "
            + _("“%s” may have decimals or thousands: name the decimal sign in the mapping") % text
        )
    if text == heading.head or text == heading.name:
        raise TableError(
            f"{where}: " + _("a second table begins there; save each as a file of its own")
        )
    raise TableError(f"{where}: " + _("“%s” is no number") % text)


def _telling(
    found: list[tuple[Column, Floats]], mapped: int, rows: Rows
) -> list[tuple[Column, Floats]]:
    """The mapped columns, and of the others those that tell rows apart."""
    kept = found[:mapped]
    for column, values in found[mapped:]:
        there = values[np.isfinite(values)]
        several = len(np.unique(there)) > 1
        if column.role in ("channel", "board"):
            whole = len(there) == len(values) and bool(
                np.all((there == np.floor(there)) & (there >= 0) & (there < LARGEST_CHANNEL))
            )
            if not whole and several and len(there) > 0.5 * len(values):
                raise TableError(
                    _(
                        "column %(column)s tells channels apart, but row %(row)d of the table says "
                        "none: fill it in, or remove the column"
                    )
                    % {"column": column.source, "row": _odd_row(values) + 1}
                )
            if whole:
                kept.append((column, values))
                if several and column.role == "channel":
                    rows.notes.append(
                        _("The column %s tells channels apart, and was read so.") % column.source
                    )
        elif _tells_rows(column.role, there):
            kept.append((column, values))
    return kept


def _tells_rows(role: str, there: Floats) -> bool:
    if role == "light":
        return 1 < len(np.unique(there)) <= MOST_LIGHTS
    return role == "event" or (role == "temperature_c" and len(there) > 0)


def counts_from_one(channels: Floats) -> int:
    """The last of channels (n,) that are 1, 2, 3 … without a gap, as people count; else 0.

    >>> counts_from_one(np.array([1.0, 1, 2, 2, 3])), counts_from_one(np.array([0.0, 1, 2]))
    (3, 0)
    """
    there = np.unique(channels[np.isfinite(channels)])
    whole = len(there) > 1 and np.array_equal(there, np.arange(1, len(there) + 1))
    return int(there[-1]) if whole else 0


def _odd_row(values: Floats) -> int:
    """The first row (from 0) whose number is no channel."""
    with np.errstate(invalid="ignore"):
        good = (values == np.floor(values)) & (values >= 0) & (values < LARGEST_CHANNEL)
    return int(np.flatnonzero(~good)[0])
