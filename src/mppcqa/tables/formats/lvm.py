"""Measurements of LabVIEW as text (.lvm): a header of keys, then segments of channels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at, refuse_other_kind
from mppcqa.tables.formats.channels import Channel, curve_mapping, curves_of, signals_of
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Floats, Measured
from mppcqa.tables.numbers import to_number
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.text import read_lines, refuse_cut
from mppcqa.tables.words import say as _

END = "***end_of_header***"
TITLE = "LabVIEW .lvm waveforms"
SEPARATORS = {"tab": "\t", "comma": ",", "": "\t"}


def looks(start: bytes, path: Path) -> bool:
    return lines_at(start, 1)[0].lower().lstrip("\ufeff").startswith("labview measurement")


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Each channel's waveforms, one a segment; Delta_X is the time between samples. Or curves."""
    if mapping.kind != "iv":
        refuse_other_kind(path, mapping, "waveform", FORMAT.title)
    segments, facts = _segments(path, limit)
    shapes = {(one.waves.shape, one.step) for one in segments}
    if len(shapes) > 1:
        raise TableError(_("%s: its segments have different lengths or steps") % path.name)
    if mapping.kind == "iv":
        if len(segments) > 1:
            raise TableError(_("%s: several segments are no curve; save each apart") % path.name)
        return curves_of(path, mapping, segments[0].channels(), facts)
    found, notes = signals_of(path, segments[0].channels(), mapping)
    table = np.stack([one.waves for one in segments])  # segments, channels, samples
    whole = conditions_of(mapping, path, facts)
    interval = segments[0].step if segments[0].step > 0 else whole["sample_s"]
    parts = []
    for channel, (one, factor) in enumerate(found):
        waves = table[:, segments[0].names.index(one.name)] * factor
        part = waveform_part(path, whole.values, waves, interval, channel, len(found) > 1)
        part.facts = facts
        parts.append(part)
    parts[0].notes += notes
    whole.tell(parts[0])
    return parts


def curve_of(path: Path) -> Mapping | None:
    """A curve where channels are in volts and amperes."""
    try:
        segments, _facts = _segments(path, None)
    except TableError:
        return None  # told when it is read
    return curve_mapping(TITLE, "lvm", segments[0].channels()) if len(segments) == 1 else None


@dataclass(frozen=True)
class Segment:
    """Channels (channels, samples) as they are written, with names and units; step [s]."""

    waves: Floats
    step: float
    names: list[str]
    units: list[str]

    def channels(self) -> list[Channel]:
        return [
            Channel(name, unit, values)
            for name, unit, values in zip(self.names, self.units, self.waves, strict=True)
        ]


def _segments(path: Path, limit: int | None) -> tuple[list[Segment], dict[str, str]]:
    """Segments of a file, and the keys of its header."""
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
    if len(ends) < 2:
        raise TableError(_("%s: no header of a segment; was the file cut off?") % path.name)
    segments = []
    for number, end in enumerate(ends[1:]):
        begin = ends[number] + 1
        upto = ends[number + 2] if number + 2 < len(ends) else len(lines)
        head = _keys(lines[begin:end], mark)
        rows = lines[end + 1 : _next_head(lines, end + 1, upto)]
        segments.append(_segment(path, head, rows, mark, decimal, end + 1))
    return segments, {key: " ".join(value) for key, value in about.items()}


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
) -> Segment:
    """Samples of the channels of one segment; `TableError` where fewer are there than announced."""
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
    steps = [to_number(one, decimal) for one in head.get("delta_x", [])]
    step = next((one for one in steps if one), 0.0)
    units = head.get("y_unit_label", [])
    units = units if len(units) == len(columns) else [""] * len(columns)
    return Segment(
        np.array(found, float).T, float(step or 0.0), [names[at] for at in columns], units
    )


FORMAT = Format(
    "lvm",
    TITLE,
    "waveform",
    looks,
    read,
    "Text of LabVIEW's Write to Measurement File (.lvm): channels side by side, a waveform "
    "a segment.",
    other=curve_of,
)
