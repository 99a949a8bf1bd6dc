"""Waveforms of LabVIEW's .tdms, a channel each, by npTDMS."""

from __future__ import annotations

import logging
import math
import struct
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

MAX_VALUES = 200_000_000


def looks(start: bytes, path: Path) -> bool:
    return start[:4] == b"TDSm"


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Each channel as one waveform; the time between samples is the file's own wf_increment."""
    from nptdms import TdmsFile

    logging.getLogger("nptdms").setLevel(logging.ERROR)  # what it warns of is refused here
    if mapping.kind != "waveform":
        raise TableError(
            _("%(name)s: waveforms of LabVIEW are not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    if not _whole(path):
        raise TableError(
            _("%s: its segments do not end where the file does: it was cut off or changed")
            % path.name
        )
    wanted = [column.source for column in mapping.of_role("signal")]
    found: list[tuple[str, np.ndarray, float, float]] = []
    facts: dict[str, str] = {}
    try:
        with TdmsFile.open(path) as file:
            facts = {str(k): str(v)[:200] for k, v in file.properties.items()}
            for channel in (one for group in file.groups() for one in group.channels()):
                if (wanted and channel.name not in wanted) or not 1 < len(channel) <= MAX_VALUES:
                    continue
                unit = read_unit(str(channel.properties.get("unit_string", "")))
                factor = unit.factor if unit is not None and unit.base == "V" else 1.0
                step = float(channel.properties.get("wf_increment", math.nan))
                values = np.asarray(channel[: limit or len(channel)], float)
                found.append((channel.name, values, factor, step))
    except Exception as error:
        raise TableError(
            _("%(name)s: can't be read as a TDMS file, it may be cut off or damaged: %(text)s")
            % {"name": path.name, "text": str(error)[:160]}
        ) from None
    if not found:
        raise TableError(_("%s: nothing was found in it") % path.name)
    whole = conditions_of(mapping, path, facts)
    parts = []
    for place, (_name, values, factor, step) in enumerate(found):
        interval = step if step > 0 else whole["sample_s"]
        part = waveform_part(
            path, whole.values, values[None, :] * factor, interval, place, len(found) > 1
        )
        part.facts = facts
        parts.append(part)
    whole.tell(parts[0])
    return parts


LEAD = struct.Struct("<4sIIQQ")


def _whole(path: Path) -> bool:
    """Whether segments follow one another to the file's end, as their lead-ins say."""
    size, at = path.stat().st_size, 0
    with path.open("rb") as file:
        while at < size:
            file.seek(at)
            lead = file.read(LEAD.size)
            if len(lead) < LEAD.size:
                return False
            tag, _toc, _version, following, _raw = LEAD.unpack(lead)
            if tag != b"TDSm":
                return False
            at += LEAD.size + following
    return at == size


FORMAT = Format(
    "tdms",
    "LabVIEW TDMS waveforms",
    "waveform",
    looks,
    read,
    "Channels of LabVIEW's .tdms, a waveform each; wf_increment is the time between samples.",
    (("light", Given(value=0.0)),),
    text=False,
)
