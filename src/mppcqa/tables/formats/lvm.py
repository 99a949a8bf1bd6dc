"""Measurements of LabVIEW as text (.lvm): a header of keys, then segments of channels."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.numbers import to_number
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.text import read_lines, refuse_cut
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

END = "***end_of_header***"
SEPARATORS = {"tab": "\t", "comma": ",", "": "\t"}


def looks(start: bytes, path: Path) -> bool:
    return lines_at(start, 1)[0].lower().lstrip("\ufeff").startswith("labview measurement")


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Each channel's waveforms, one a segment; Delta_X is the time between samples."""
    refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    lines = read_lines(path, limit)
    ends = [at for at, line in enumerate(lines) if line.strip().lower().startswith(END)]
    if limit is None and lines:
        last = [line.split("\t")[:20] for line in lines[-62:]]
        refuse_cut(path, [row for row in last if len(row) == len(last[-1])])
    if not ends:
        raise TableError(_("%s: its header does not end; was the file cut off?") % path.name)
    mark = "\t"
    about = _keys(lines[: ends[0]], mark)
    mark = SEPARATORS.get(about.get("separator", [""])[0].lower(), mark)
    about = _keys(lines[: ends[0]], mark)
    decimal = (about.get("decimal_separator") or ["."])[0] or "."
    segments = []
    if len(ends) < 2:
        raise TableError(_("%s: no header of a segment; was the file cut off?") % path.name)
    for number, end in enumerate(ends[1:]):
        begin = ends[number] + 1
        upto = ends[number + 2] if number + 2 < len(ends) else len(lines)
        head = _keys(lines[begin:end], mark)
        rows = lines[end + 1 : _next_head(lines, end + 1, upto)]
        segments.append(_segment(path, head, rows, mark, decimal, end + 1))
    shapes = {(waves.shape, step) for waves, step in segments}
    if len(shapes) > 1:
        raise TableError(_("%s: its segments have different lengths or steps") % path.name)
    table = np.stack([waves for waves, _step in segments])  # segments, channels, samples
    step = segments[0][1]
    facts = {key: " ".join(value) for key, value in about.items()}
    whole = conditions_of(mapping, path, facts)
    interval = step if step > 0 else whole["sample_s"]
    parts = []
    for channel in range(table.shape[1]):
        part = waveform_part(
            path, whole.values, table[:, channel], interval, channel, table.shape[1] > 1
        )
        part.facts = facts
        parts.append(part)
    whole.tell(parts[0])
    return parts


def _keys(lines: list[str], mark: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in lines:
        cells = [cell.strip() for cell in line.split(mark)]
        if cells[0]:
            found[cells[0].lower()] = [cell for cell in cells[1:] if cell]
    return found


def _next_head(lines: list[str], first: int, upto: int) -> int:
    """The line before which a segment ends: that of the next segment's header."""
    for at in range(first, upto):
        if lines[at].lower().startswith("channels") and at > first + 1:
            return at
    return upto


def _segment(
    path: Path, head: dict[str, list[str]], rows: list[str], mark: str, decimal: str, line: int
) -> tuple[Floats, float]:
    """Waveforms (channels, samples) in volts, and the time between samples [s]."""
    names = [cell.strip() for cell in (rows[0] if rows else "").split(mark)]
    columns = [
        at for at, name in enumerate(names) if name and name.lower() not in ("x_value", "comment")
    ]
    found: list[list[float]] = []
    for offset, text in enumerate(rows[1:]):
        if not text.strip():
            continue
        cells = text.split(mark)
        values = [to_number(cells[at], decimal) if at < len(cells) else None for at in columns]
        if any(value is None for value in values):
            raise TableError(
                _("%(name)s: line %(line)d is no sample: “%(text)s”")
                % {"name": path.name, "line": line + offset + 2, "text": text.strip()[:40]}
            )
        found.append([value for value in values if value is not None])
    announced = [to_number(one, decimal) for one in head.get("samples", [])]
    if len(found) < 2 or any(n is not None and n != len(found) for n in announced):
        raise TableError(
            _("%(name)s: %(a)s samples are announced, %(b)d are there: the file was cut off")
            % {"name": path.name, "a": " ".join(head.get("samples", ["?"])), "b": len(found)}
        )
    factors = [read_unit(text) for text in head.get("y_unit_label", [])]
    waves = np.array(found, float).T
    for place, unit in enumerate(factors[: len(waves)]):
        if unit is not None and unit.base == "V":
            waves[place] *= unit.factor
    steps = [to_number(one, decimal) for one in head.get("delta_x", [])]
    step = next((one for one in steps if one), 0.0)
    return waves, float(step or 0.0)


FORMAT = Format(
    "lvm",
    "LabVIEW .lvm waveforms",
    "waveform",
    looks,
    read,
    "Text of LabVIEW's Write to Measurement File (.lvm): channels side by side, a waveform "
    "a segment.",
)
