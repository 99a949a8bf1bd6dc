"""Waveforms of CAEN's WaveDump as text: a header of ``key: value`` lines before each event."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format, lines_at
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.text import read_lines, refuse_cut
from mppcqa.tables.words import say as _

LARGEST_RECORD = 10_000_000


def looks(start: bytes, path: Path) -> bool:
    lines = lines_at(start, 12)
    keys = {line.partition(":")[0].strip().lower() for line in lines}
    return "record length" in keys and bool({"boardid", "event number", "channel"} & keys)


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Waveforms of each channel, in ADC counts."""
    if mapping.kind != "waveform":
        raise TableError(
            _("%(name)s: WaveDump holds waveforms, not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    lines = read_lines(path, limit)
    starts = [n for n, line in enumerate(lines) if line.startswith("Record Length")]
    if not starts:
        raise TableError(_("%s: no line Record Length; is it a file of WaveDump?") % path.name)
    found: dict[int, list[np.ndarray]] = {}
    facts: dict[str, str] = {}
    length = -1
    for number, start in enumerate(starts):
        end = starts[number + 1] if number + 1 < len(starts) else len(lines)
        header, samples = _event(
            path, lines, start, end, last=limit is not None and end == len(lines)
        )
        if samples is None:
            continue
        facts = facts or header
        if length < 0:
            length = len(samples)
        if len(samples) != length:
            raise TableError(
                _("%(name)s: event %(n)d has %(a)d samples, the first %(b)d")
                % {"name": path.name, "n": number + 1, "a": len(samples), "b": length}
            )
        found.setdefault(_channel(header), []).append(samples)
    if not found:
        raise TableError(_("%s: nothing was found in it") % path.name)
    if limit is None:
        refuse_cut(path, [[line] for line in lines if line.strip()][-length:])
    whole = conditions_of(mapping, path, facts)
    parts = []
    for channel, rows in sorted(found.items()):
        part = waveform_part(
            path, whole.values, np.stack(rows), whole["sample_s"], channel, len(found) > 1
        )
        part.facts = facts
        parts.append(part)
    whole.tell(parts[0])
    return parts


def _event(
    path: Path, lines: list[str], start: int, end: int, last: bool
) -> tuple[dict[str, str], np.ndarray | None]:
    """Header and samples of one event; no samples for one that a look cut off."""
    header: dict[str, str] = {}
    first = start
    while first < end and ":" in lines[first]:
        key, _colon, value = lines[first].partition(":")
        header[key.strip()] = value.strip()
        first += 1
    texts = [line.strip() for line in lines[first:end] if line.strip()]
    try:
        announced = int(header.get("Record Length", ""))
        samples = np.array(texts, float)
    except ValueError:
        bad = next((n for n in range(first, end) if not _is_number(lines[n])), start)
        raise TableError(
            _("%(name)s: line %(line)d is no sample: “%(text)s”")
            % {"name": path.name, "line": bad + 1, "text": lines[bad].strip()[:40]}
        ) from None
    if not 2 <= announced <= LARGEST_RECORD:
        raise TableError(
            _("%(name)s: a record of %(n)d samples can't be read")
            % {"name": path.name, "n": announced}
        )
    if len(samples) != announced:
        if last:
            return header, None
        raise TableError(
            _(
                "%(name)s: line %(line)d announces %(a)d samples, %(b)d are there: the file was "
                "cut off or changed"
            )
            % {"name": path.name, "line": start + 1, "a": announced, "b": len(samples)}
        )
    return header, samples


def _channel(header: dict[str, str]) -> int:
    found = re.match(r"\d+", header.get("Channel", "0"))
    return int(found[0]) if found else 0


def _is_number(text: str) -> bool:
    try:
        return text.strip() == "" or float(text) == float(text)
    except ValueError:
        return False


FORMAT = Format(
    "wavedump",
    "CAEN WaveDump text",
    "waveform",
    looks,
    read,
    "Text of CAEN's WaveDump (wave0.txt): 7 or 8 lines before each event; the time between samples "
    "is the digitizer's and has to be given (sample_s).",
)
