"""Tables of text (CSV and its kin) by a mapping of their columns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mppcqa.runfile.foreign.hera import spread_counts
from mppcqa.runfile.foreign.mapping import Column, ForeignError, Mapping
from mppcqa.runfile.foreign.measured import NAN, Curve, Floats, Measured
from mppcqa.runfile.foreign.oscilloscope import sample_interval
from mppcqa.runfile.foreign.text import find_shape, read_columns, read_lines


def read_table(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """What a table holds, a `Measured` for each condition that its rows tell apart."""
    lines = read_lines(path, limit)
    shape = find_shape(lines, mapping, path.name)
    columns = read_columns(lines, shape, mapping.columns, path.name)
    header = _header(lines[: shape.first])
    return from_columns(path, mapping, list(zip(mapping.columns, columns, strict=True)), header)


def _header(lines: list[str]) -> dict[str, str]:
    """``key: value``, ``key = value`` and ``# key value`` lines above the table."""
    found = {}
    for line in lines:
        text = line.strip().lstrip("#%").strip()
        for sign in (":", "=", "\t", ","):
            key, there, value = text.partition(sign)
            if there and key.strip():
                found[key.strip().strip('"')] = value.strip().strip('"')
                break
    return found


def from_columns(
    path: Path, mapping: Mapping, columns: list[tuple[Column, Floats]], header: dict[str, str]
) -> list[Measured]:
    """Columns (rows,) or, for charges and waveforms of a ROOT file, (rows, n), by their roles."""
    whole = {
        name: mapping.condition(name, path, header) for name in ("bias_v", "temperature_c", "light")
    }
    roles: dict[str, list[tuple[Column, Floats]]] = {}
    for column, values in columns:
        roles.setdefault(column.role, []).append((column, values))
    if mapping.kind == "iv":
        return [_curve(roles, whole, header)]
    if mapping.kind == "spectrum":
        centres, counts = roles["charge"][0][1], roles["count"][0][1]
        charges = spread_counts(centres, counts, path.name)[:, None]
        found = _at(whole, header)
        found.charges = charges
        found.channels = (roles["charge"][0][0].channel,)
        found.gate_s = mapping.condition("gate_s", path, header)
        found.notes.append("a histogram: its counts were spread evenly over their bins")
        return [found]
    if mapping.kind == "waveform":
        return _waveforms(path, mapping, roles, whole, header)
    return _charges(path, mapping, roles, whole, header)


def _at(conditions: dict[str, float], header: dict[str, str]) -> Measured:
    """An empty part at some conditions."""
    return Measured(
        bias_v=conditions["bias_v"],
        temperature_c=conditions["temperature_c"],
        light=conditions["light"],
        facts=header,
    )


def _curve(
    roles: dict[str, list[tuple[Column, Floats]]], whole: dict[str, float], header: dict[str, str]
) -> Measured:
    column, bias = roles["bias_v"][0]
    current = roles["current_a"][0][1]
    spread = roles["spread_a"][0][1] if "spread_a" in roles else np.full_like(bias, NAN)
    temperature = whole["temperature_c"]
    if "temperature_c" in roles:
        temperature = float(np.mean(roles["temperature_c"][0][1]))
    return Measured(
        bias_v=NAN,
        temperature_c=temperature,
        light=whole["light"],
        curve=Curve(bias, current, spread),
        channels=(column.channel,),
        facts=header,
    )


def _charges(
    path: Path,
    mapping: Mapping,
    roles: dict[str, list[tuple[Column, Floats]]],
    whole: dict[str, float],
    header: dict[str, str],
) -> list[Measured]:
    """Charges of all channels side by side; one `Measured` a condition of the rows."""
    names: list[int] = []
    parts: list[Floats] = []
    for column, values in roles["charge"]:
        wide = values[:, None] if values.ndim == 1 else values
        names += [column.channel + i for i in range(wide.shape[1])]
        parts.append(wide)
    if len(set(names)) < len(names):
        raise ForeignError(f"{path.name}: two columns are mapped to the same channel")
    charges = np.concatenate(parts, axis=1)[:, np.argsort(names)].astype(np.float32)
    found = []
    for at, rows in _groups(roles, whole, len(charges)):
        part = _at(at, header)
        part.charges, part.channels = charges[rows], tuple(sorted(names))
        part.gate_s = mapping.condition("gate_s", path, header)
        found.append(part)
    return found


def _groups(
    roles: dict[str, list[tuple[Column, Floats]]], whole: dict[str, float], rows: int
) -> list[tuple[dict[str, float], np.ndarray]]:
    """Conditions that rows tell apart, and the rows of each."""
    there = [name for name in ("bias_v", "temperature_c", "light") if name in roles]
    if not there:
        return [(whole, np.arange(rows))]
    keys = np.stack([roles[name][0][1] for name in there], axis=1)
    unique, which = np.unique(keys.round(6), axis=0, return_inverse=True)
    if len(unique) > 10_000:
        raise ForeignError("more than 10000 different conditions: is the column mapped right?")
    which = which.reshape(-1)
    return [
        (whole | dict(zip(there, one.tolist(), strict=True)), np.flatnonzero(which == i))
        for i, one in enumerate(unique)
    ]


def _waveforms(
    path: Path,
    mapping: Mapping,
    roles: dict[str, list[tuple[Column, Floats]]],
    whole: dict[str, float],
    header: dict[str, str],
) -> list[Measured]:
    """Waveforms (n, samples) of a branch, or one waveform a column of a table."""
    found = []
    time = roles["time"][0][1] if "time" in roles else None
    interval = mapping.condition("sample_s", path, header)
    for column, values in roles["signal"]:
        wide = values[None, :] if values.ndim == 1 else values
        if time is not None:
            interval = sample_interval(time[None, :] if time.ndim == 1 else time[:1], path.name)
        if not math.isfinite(interval) or interval <= 0:
            raise ForeignError(
                f"{path.name}: the time between samples is not known; map a column to time, or "
                "give sample_s in the mapping"
            )
        rows = len(wide)
        groups = _groups(roles, whole, rows) if values.ndim == 2 else [(whole, np.arange(rows))]
        for at, which in groups:
            part = _at(at, header)
            part.waveforms, part.sample_s = wide[which].astype(np.float32), interval
            part.channels = (column.channel,)
            found.append(part)
    return found
