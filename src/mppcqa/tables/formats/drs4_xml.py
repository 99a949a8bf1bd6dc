"""Waveforms of the DRS4 evaluation board as XML: times and volts of each channel of each event."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.oscilloscope import MAX_SAMPLES
from mppcqa.tables.measured import Floats
from mppcqa.tables.units import read_unit
from mppcqa.tables.words import say as _

LARGEST_XML = 500_000_000
UNITS = {"HUnit": "s", "VUnit": "V"}
CHANNELS = 4
Wave = tuple[Floats, Floats]
"""Times [s] and volts of one waveform."""


def waves_of_xml(path: Path) -> dict[int, list[Wave]]:
    if path.stat().st_size > LARGEST_XML:
        raise TableError(_("%s: too large as XML; let DRSOsc write binary") % path.name)
    with path.open("rb") as file:
        if b"<!" in file.read(2000).replace(b"<!--", b""):
            raise TableError(
                _("%s: this XML declares entities, which DRSOsc never does") % path.name
            )
    found: dict[int, list[Wave]] = {}
    units: dict[str, float] = {}
    number, boards = 0, list[str]()
    try:
        for _event, element in ET.iterparse(path, events=("end",)):  # noqa: S314  (no entities)
            if element.tag in UNITS:
                units[element.tag] = _unit(path, element.tag, (element.text or "").strip())
            if element.tag.startswith("Board_"):
                if element.tag not in boards:
                    boards.append(element.tag)
                for one in element:
                    if one.tag.startswith("CHN") and one.tag[3:].isdecimal():
                        place = CHANNELS * boards.index(element.tag) + int(one.tag[3:]) - 1
                        found.setdefault(place, []).append(_points(one, units))
            if element.tag == "Event":
                number += 1
                element.clear()
    except TableError:
        raise
    except (ET.ParseError, ValueError, LookupError) as error:
        raise TableError(f"{broken(path, number + 1)} ({str(error)[:80]})") from None
    if sum(len(v) * len(v[0][0]) for v in found.values()) > MAX_SAMPLES:
        raise TableError(_("%s: too large as XML; let DRSOsc write binary") % path.name)
    return found


def _unit(path: Path, tag: str, text: str) -> float:
    """From a unit of the file to seconds or volts."""
    known = read_unit(text) if text else None
    if known is None or known.base != UNITS[tag]:
        raise TableError(
            _("%(name)s: %(tag)s is “%(unit)s”, which is no unit of %(due)s")
            % {"name": path.name, "tag": tag, "unit": text, "due": UNITS[tag]}
        )
    return known.factor


def _points(channel: Any, units: dict[str, float]) -> Wave:
    """Times [s] and volts of one channel's ``<Data>t,v</Data>``."""
    if lacking := UNITS.keys() - units.keys():
        raise ValueError("no " + ", ".join(sorted(lacking)))
    rows = [(one.text or "").split(",") for one in channel if one.tag == "Data"]
    table = np.array(rows, float)
    if table.ndim != 2 or table.shape[1] != 2 or len(table) < 2:
        raise ValueError("samples that are no pairs of numbers")
    return table[:, 0] * units["HUnit"], table[:, 1] * units["VUnit"]


def broken(path: Path, event: int) -> str:
    return _("%(name)s: event %(n)d is not whole: the file was cut off or changed") % {
        "name": path.name,
        "n": event,
    }
