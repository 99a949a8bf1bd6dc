"""LabVIEW's .tdms by npTDMS: waveforms, a channel each, or curves of volts and amperes."""

from __future__ import annotations

import logging
import math
import struct
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.formats.channels import Channel, curve_mapping, curves_of, signals_of
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import conditions_of, waveform_part
from mppcqa.tables.words import say as _

MAX_VALUES = 200_000_000
MOST_LOOKED = 100
TITLE = "LabVIEW TDMS waveforms"


def looks(start: bytes, path: Path) -> bool:
    return start[:4] == b"TDSm"


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """Each channel as one waveform of steps of wf_increment; or curves, by their units."""
    if mapping.kind not in ("waveform", "iv"):
        raise TableError(
            _("%(name)s: waveforms of LabVIEW are not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    if not _whole(path):
        raise TableError(
            _("%s: its segments do not end where the file does: it was cut off or changed")
            % path.name
        )
    channels, steps, facts = _channels(path, limit)
    if not channels:
        raise TableError(_("%s: nothing was found in it") % path.name)
    if mapping.kind == "iv":
        return curves_of(path, mapping, channels, facts)
    found, notes = signals_of(path, channels, mapping)
    whole = conditions_of(mapping, path, facts)
    parts = []
    for place, (one, factor) in enumerate(found):
        interval = steps[one.name] if steps[one.name] > 0 else whole["sample_s"]
        wave = one.values[None, :] * factor
        part = waveform_part(path, whole.values, wave, interval, place, len(found) > 1)
        part.facts = facts
        parts.append(part)
    parts[0].notes += notes
    whole.tell(parts[0])
    return parts


def _channels(
    path: Path, limit: int | None
) -> tuple[list[Channel], dict[str, float], dict[str, str]]:
    """Channels with numbers, the time between samples [s] of each, and the file's properties."""
    from nptdms import TdmsFile
    from nptdms.log import log_manager

    log_manager.set_level(logging.ERROR)  # what it warns of is refused here
    found: list[Channel] = []
    steps: dict[str, float] = {}
    try:
        with TdmsFile.open(path) as file:
            facts = {str(k): str(v)[:200] for k, v in file.properties.items()}
            for channel in (one for group in file.groups() for one in group.channels()):
                if not 1 < len(channel) <= MAX_VALUES:
                    continue
                unit = str(channel.properties.get("unit_string", ""))
                values = np.asarray(channel[: limit or len(channel)], float)
                found.append(Channel(channel.name, unit, values))
                steps[channel.name] = float(channel.properties.get("wf_increment", math.nan))
    except Exception as error:
        raise TableError(
            _("%(name)s: can't be read as a TDMS file, it may be cut off or damaged: %(text)s")
            % {"name": path.name, "text": str(error)[:160]}
        ) from None
    return found, steps, facts


def curve_of(path: Path) -> Mapping | None:
    """A curve where channels are in volts and amperes."""
    # What is not whole is told when it is read.
    return curve_mapping(TITLE, "tdms", _channels(path, MOST_LOOKED)[0]) if _whole(path) else None


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
    TITLE,
    "waveform",
    looks,
    read,
    "Channels of LabVIEW's .tdms, a waveform each; wf_increment is the time between samples.",
    (("light", Given(value=0.0)),),
    text=False,
    other=curve_of,
)
