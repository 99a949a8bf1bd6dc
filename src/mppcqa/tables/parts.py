"""Columns and arrays by their roles: what was measured, of which channel, at which condition."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.column_groups import MAIN, by_headings, doubts_of
from mppcqa.tables.conditions import NAMED, Evidence, disagreement, find_condition
from mppcqa.tables.curves import curve_of
from mppcqa.tables.errors import TableError
from mppcqa.tables.histogram import spread_counts
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import NAN, Charges, Floats, Measured, at_condition, sign_of_pulses
from mppcqa.tables.rows import Rows, counts_from_one, read_rows
from mppcqa.tables.sampling import sample_interval
from mppcqa.tables.staircases import staircases_of
from mppcqa.tables.sweeps import events_shared, several_scans, temperature_drift
from mppcqa.tables.words import say as _

APART_C = 1.0
"""Readings of a temperature that lie closer belong to one condition."""


def read_table(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """What a table holds, a `Measured` for each device, channel and condition of its rows."""
    return from_rows(path, mapping, read_rows(path, mapping, limit))


@dataclass
class Conditions:
    """Conditions of a whole file; what should be known of them, and what has to be asked."""

    values: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    def __getitem__(self, name: str) -> float:
        return self.values[name]

    def tell(self, part: Measured) -> Measured:
        """Say it with a part, before what else is said of it."""
        part.notes[:0] = self.notes
        part.doubts[:0] = self.doubts
        return part


def conditions_of(mapping: Mapping, path: Path, facts: dict[str, str]) -> Conditions:
    """Conditions of a whole file.

    The mapping's own rule comes first; where it has none, the header and the file's name. Where
    two of them differ it has to be asked.
    """
    done = Conditions()
    for name in (*NAMED, "gate_s", "sample_s", *mapping.axes):
        value = mapping.condition(name, path, facts)
        there = find_condition(name, path.name, facts)
        if math.isnan(value) and there:
            value = there[0].value
            done.notes.append(f"{name} = {value:g}: {there[0].where}")
        if not math.isnan(value) and name in ("bias_v", "temperature_c"):
            differ = disagreement(name, [Evidence(value, _("what is taken")), *there])
            done.doubts += [differ] if differ else []
        done.values[name] = value
    return done


def from_rows(path: Path, mapping: Mapping, rows: Rows) -> list[Measured]:
    """Columns (rows,) or, for charges and waveforms, (rows, n), by their roles."""
    whole = conditions_of(mapping, path, rows.facts)
    found = []
    for serial, part in _devices(rows):
        for columns, at in by_headings(part, mapping, whole.values):
            for one in _of_device(path, mapping, columns, at):
                one.serial, one.facts = serial, rows.facts
                found.append(one)
    whole.doubts += doubts_of(rows, mapping, path)
    whole.doubts += _count_of_channels(rows, mapping)
    if found:
        found[0].notes[:0] = rows.notes
        whole.tell(found[0])
    return found


def _count_of_channels(rows: Rows, mapping: Mapping) -> list[str]:
    """Ask where a table's channels are 1, 2, 3 … and the mapping has them count from 0."""
    there = {column.role for column, _values in rows.columns}
    channels = rows.of("channel")
    if mapping.format != "table" or channels is None or mapping.channels_from == 1:
        return []
    last = 0 if there & {"board", "event"} else counts_from_one(channels)
    text = _("the channels are 1 to %(last)d: do they count from 1? They are taken as from 0")
    return [text % {"last": last}] if last else []


def _devices(rows: Rows) -> Iterator[tuple[str, Rows]]:
    """Rows of each device that a column tells apart."""
    if rows.serials is None:
        yield "", rows
        return
    serials = np.array(rows.serials, object)
    for serial in dict.fromkeys(rows.serials):
        at = np.flatnonzero(serials == serial)
        yield serial, Rows([(column, values[at]) for column, values in rows.columns])


def _of_device(path: Path, mapping: Mapping, rows: Rows, whole: dict[str, float]) -> list[Measured]:
    roles: dict[str, list[tuple[Column, Floats]]] = {}
    for column, values in rows.columns:
        roles.setdefault(column.role, []).append((column, values))
    _refuse_twice(path, mapping, roles)
    if mapping.kind == "charge":
        return _charges(path, mapping, roles, whole)
    if mapping.kind == "waveform" and "event" in roles:
        return _stacked(path, mapping, roles, whole)
    if mapping.kind == "waveform":
        return _waveforms(path, roles, whole)
    read = {"iv": _curves, "spectrum": _spectra, "staircase": staircases_of}[mapping.kind]
    found = []
    for channel, at in _channels(roles, mapping):
        part = {role: [(c, v[at]) for c, v in rows_] for role, rows_ in roles.items()}
        for condition, which in _groups(part, whole, mapping.kind):
            here = {role: [(c, v[which]) for c, v in rows_] for role, rows_ in part.items()}
            several = read(path, here, condition, channel)
            _tell_drift(several[0], here)
            found += several
    return found


def _tell_drift(part: Measured, roles: dict[str, list[tuple[Column, Floats]]]) -> None:
    if "temperature_c" in roles:
        tell(part, *temperature_drift(roles["temperature_c"][0][1]))


def tell(part: Measured, text: str, asks: bool) -> None:
    """Say what should be known of a part, or ask it."""
    if text:
        (part.doubts if asks else part.notes).append(text)


def _refuse_twice(
    path: Path, mapping: Mapping, roles: dict[str, list[tuple[Column, Floats]]]
) -> None:
    """Two columns of one role must be two channels."""
    columns = roles.get(MAIN[mapping.kind], [])
    channels = [column.channel for column, _values in columns]
    if len(set(channels)) < len(channels):
        raise TableError(
            _("%(name)s: columns mapped to the same channel (%(columns)s); give each its own")
            % {"name": path.name, "columns": ", ".join(c.source for c, _v in columns)}
        )
    if len(columns) > 1 and "channel" in roles and len(np.unique(roles["channel"][0][1])) > 1:
        raise TableError(
            _("%s: channels are told by a column and by several columns; map one of the two")
            % path.name
        )


def _channels(
    roles: dict[str, list[tuple[Column, Floats]]], mapping: Mapping
) -> list[tuple[int | None, np.ndarray]]:
    """Rows of each channel that a column tells; None where none does."""
    rows = len(next(iter(roles.values()))[0][1])
    if "channel" not in roles and "board" not in roles:
        return [(None, np.arange(rows))]
    numbers = channel_numbers(roles, mapping, rows)
    return [(int(channel), np.flatnonzero(numbers == channel)) for channel in np.unique(numbers)]


def channel_numbers(
    roles: dict[str, list[tuple[Column, Floats]]], mapping: Mapping, rows: int
) -> np.ndarray:
    """Channel of the device of each row; boards follow one another."""
    channel = np.zeros(rows)
    if "channel" in roles:
        channel = roles["channel"][0][1] - mapping.channels_from
    if "board" in roles:
        boards, place = np.unique(roles["board"][0][1], return_inverse=True)
        if len(boards) > 1:
            width = 1 << max(4, int(np.nanmax(channel)).bit_length())
            channel = channel + width * place.reshape(-1)
    return channel.astype(np.int64)


def _groups(
    roles: dict[str, list[tuple[Column, Floats]]], whole: dict[str, float], kind: str
) -> list[tuple[dict[str, float], np.ndarray]]:
    """Conditions that rows tell apart, and the rows of each."""
    rows = len(next(iter(roles.values()))[0][1])
    there = [name for name in whole if name in roles and not (kind == "iv" and name == "bias_v")]
    if not there:
        return [(whole, np.arange(rows))]
    keys = []
    for name in there:
        values = roles[name][0][1]
        keys.append(_steps(values) if name == "temperature_c" else values.round(6))
    table = np.stack(keys, axis=1)
    unique, which = np.unique(table, axis=0, return_inverse=True)
    if len(unique) > 10_000:
        raise TableError(_("more than 10000 different conditions: is the column mapped right?"))
    which = which.reshape(-1)
    return [
        (whole | dict(zip(there, one.tolist(), strict=True)), np.flatnonzero(which == i))
        for i, one in enumerate(unique)
    ]


def _steps(values: Floats) -> Floats:
    """Readings of a temperature, each as the mean of those around it."""
    order = np.argsort(values)
    steps = np.concatenate([[0], np.cumsum(np.diff(values[order]) > APART_C)])
    mean = np.bincount(steps, values[order]) / np.bincount(steps)
    result = np.empty_like(values)
    result[order] = mean[steps].round(3)
    return result


def _curves(
    path: Path,
    roles: dict[str, list[tuple[Column, Floats]]],
    condition: dict[str, float],
    channel: int | None,
) -> list[Measured]:
    """A curve for each column of currents."""
    found = []
    biases, spreads = roles["bias_v"], roles.get("spread_a", [])
    currents = roles["current_a"]
    if len(biases) not in (1, len(currents)) or len(spreads) not in (0, len(currents)):
        raise TableError(
            _("%(name)s: %(v)d columns of bias, %(i)d of current and %(s)d of its spread")
            % {"name": path.name, "v": len(biases), "i": len(currents), "s": len(spreads)}
        )
    for place, (column, current) in enumerate(currents):
        bias = biases[place if len(biases) > 1 else 0][1]
        spread = spreads[place][1] if spreads else np.full_like(bias, NAN)
        one = at_condition(condition)
        one.bias_v = NAN
        one.curve, notes = curve_of(bias, current, spread, path.name)
        one.notes += notes
        tell(one, *several_scans(one.curve.bias_v, one.curve.current_a))
        one.channels = (column.channel if channel is None else channel,)
        one.channel_known = channel is not None or len(currents) > 1 or column.channel > 0
        found.append(one)
    return found


def _spectra(
    path: Path,
    roles: dict[str, list[tuple[Column, Floats]]],
    condition: dict[str, float],
    channel: int | None,
) -> list[Measured]:
    """Histograms as charges, a channel for each column of counts."""
    centres = roles["charge"][0][1]
    if not np.isfinite(centres).all():
        raise TableError(_("%s: some bins have no charge, but counts") % path.name)
    parts = [spread_counts(centres, counts, path.name) for _column, counts in roles["count"]]
    one = at_condition(condition)
    one.charges = side_by_side(parts)
    names = [column.channel for column, _counts in roles["count"]]
    if channel is None and len(names) == 1:
        names = [roles["charge"][0][0].channel or names[0]]
    one.channels = tuple(names) if channel is None else (channel,)
    one.channel_known = channel is not None or len(names) > 1 or names[0] > 0
    one.notes.append(_("a histogram: its counts were spread evenly over their bins"))
    return [one]


def side_by_side(parts: list[Any]) -> Charges:
    """Charges of channels of different lengths as (events, channels), NaN where one has none."""
    table = np.full((max(len(part) for part in parts), len(parts)), np.nan, np.float32)
    for place, part in enumerate(parts):
        table[: len(part), place] = part
    return table


def _charges(
    path: Path,
    mapping: Mapping,
    roles: dict[str, list[tuple[Column, Floats]]],
    whole: dict[str, float],
) -> list[Measured]:
    """Charges of all channels side by side; one `Measured` a condition of the rows."""
    names: list[int] = []
    parts: list[Floats] = []
    for column, values in roles["charge"]:
        wide = values[:, None] if values.ndim == 1 else values
        names += [column.channel + i for i in range(wide.shape[1])]
        parts.append(wide)
    if len(set(names)) < len(names):
        raise TableError(_("%s: two columns are mapped to the same channel") % path.name)
    charges = np.concatenate(parts, axis=1)[:, np.argsort(names)].astype(np.float32)
    channel = event = None
    if ("channel" in roles or "board" in roles) and charges.shape[1] == 1:
        channel = channel_numbers(roles, mapping, len(charges))
        event = roles["event"][0][1] if "event" in roles else None
    found = []
    for at, rows in _groups(roles, whole, "charge"):
        part = at_condition(at)
        _tell_drift(part, {role: [(c, v[rows]) for c, v in some] for role, some in roles.items()})
        if channel is None and "event" in roles and len(names) == 1:
            tell(part, *events_shared(roles["event"][0][1][rows]))
        part.charges, part.channels = charges[rows], tuple(sorted(names))
        part.channel_known = len(names) > 1 or names[0] > 0
        if channel is not None:
            part.charges, part.channels = by_channel(
                charges[rows, 0], channel[rows], None if event is None else event[rows]
            )
            part.channel_known = True
        found.append(part)
    return found


def by_channel(
    charges: Charges, channel: np.ndarray, event: Floats | None
) -> tuple[Charges, tuple[int, ...]]:
    """Charges of a list (rows,), one channel a row, as (events, channels).

    Rows of one event stand in one line of it; without events, or where an event has a channel
    twice, each channel has its own charges in their order.
    """
    names, place = np.unique(channel, return_inverse=True)
    place = place.reshape(-1)
    if event is not None and np.isfinite(event).all():
        _events, line = np.unique(event, return_inverse=True)
        line = line.reshape(-1)
        once = len(np.unique(line * len(names) + place)) == len(place)
        if once:
            table = np.full((int(line.max()) + 1, len(names)), np.nan, np.float32)
            table[line, place] = charges
            return table, tuple(names.tolist())
    parts = [charges[place == i] for i in range(len(names))]
    return side_by_side(parts), tuple(names.tolist())


def _waveforms(
    path: Path, roles: dict[str, list[tuple[Column, Floats]]], whole: dict[str, float]
) -> list[Measured]:
    """Waveforms (n, samples) of a branch, or one waveform a column of a table."""
    found = []
    time = roles["time"][0][1] if "time" in roles else None
    interval = whole["sample_s"]
    for column, values in roles["signal"]:
        wide = values[None, :] if values.ndim == 1 else values
        if time is not None:
            interval = sample_interval(time[None, :] if time.ndim == 1 else time[:1], path.name)
        rows = len(wide)
        groups = [(whole, np.arange(rows))]
        if values.ndim == 2:
            groups = _groups(roles, whole, "waveform")
        for at, which in groups:
            channels = [(column.channel, which)]
            if values.ndim == 2 and "channel" in roles:
                of_row = roles["channel"][0][1][which].astype(int)
                channels = [(int(one), which[of_row == one]) for one in np.unique(of_row)]
            for channel, here in channels:
                known = "channel" in roles or len(roles["signal"]) > 1 or channel > 0
                found.append(waveform_part(path, at, wide[here], interval, channel, known))
    return found


def waveform_part(
    path: Path,
    condition: dict[str, float],
    waveforms: Any,
    interval: float,
    channel: int,
    known: bool,
) -> Measured:
    """Waveforms (n, samples) of one channel; `TableError` where their sampling is not known."""
    if isinstance(waveforms, np.ndarray) and waveforms.dtype.kind not in "iu":
        refuse_no_readings(path, waveforms)
        waveforms = waveforms.astype(np.float32)
    if not math.isfinite(interval) or interval <= 0:
        raise TableError(
            _("%s: the time between samples is not known; give it (sample_s=2ns), or map a column")
            % path.name
        )
    part = at_condition(condition)
    part.waveforms, part.sample_s = waveforms, interval
    part.channels, part.channel_known = (channel,), known
    part.signal_sign = sign_of_pulses(part.waveforms)
    return part


LARGEST_SAMPLE = 1e30
"""Instruments send 9.91E37 for no reading."""


def refuse_no_readings(path: Path, waveforms: Floats) -> None:
    """`TableError` for samples (n, samples) that are not finite, or what instruments send so."""
    with np.errstate(invalid="ignore"):
        bad = ~(np.abs(waveforms) < LARGEST_SAMPLE)
    if bad.any():
        wave, sample = np.argwhere(bad)[0].tolist()
        raise TableError(
            _("%(name)s: sample %(n)d of waveform %(k)d is no reading: it is damaged")
            % {"name": path.name, "n": sample + 1, "k": wave + 1}
        )


def _stacked(
    path: Path,
    mapping: Mapping,
    roles: dict[str, list[tuple[Column, Floats]]],
    whole: dict[str, float],
) -> list[Measured]:
    """Waveforms below one another, an event's samples together."""
    column, samples = roles["signal"][0]
    event = roles["event"][0][1]
    channel = (
        channel_numbers(roles, mapping, len(samples))
        if "channel" in roles
        else np.full(len(samples), column.channel)
    )
    interval = whole["sample_s"]
    found = []
    for one in np.unique(channel):
        at = np.flatnonzero(channel == one)
        cuts = np.flatnonzero(np.diff(event[at]) != 0) + 1
        rows = np.split(samples[at], cuts)
        lengths = {len(row) for row in rows}
        if len(lengths) > 1:
            odd = next(i for i, row in enumerate(rows) if len(row) != len(rows[0]))
            raise TableError(
                _("%(name)s: waveform %(n)d has %(a)d samples, the first %(b)d")
                % {"name": path.name, "n": odd + 1, "a": len(rows[odd]), "b": len(rows[0])}
            )
        if "time" in roles:
            times = roles["time"][0][1][at][: len(rows[0])]
            interval = sample_interval(times[None, :], path.name)
        known = "channel" in roles
        found.append(waveform_part(path, whole, np.stack(rows), interval, int(one), known))
    return found
