"""Charge histograms of CAEN's HERA software."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats.base import Format
from mppcqa.tables.histogram import spread_counts
from mppcqa.tables.mapping import Given, Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.numbers import to_number
from mppcqa.tables.parts import conditions_of
from mppcqa.tables.text import read_lines, refuse_cut_line
from mppcqa.tables.words import say as _

END = "*** End of Header ***"


def looks(start: bytes, path: Path) -> bool:
    return b"HERA Writer" in start or b"*** Start of Header ***" in start[:200]


def read(path: Path, mapping: Mapping, limit: int | None = None) -> list[Measured]:
    """The histogram of a HERA file, its counts spread evenly over their bins.

    Bias, temperature and serial number are those of the supply's channel in use; the digitizer
    numbers its inputs on its own.
    """
    if mapping.kind != "spectrum":
        raise TableError(
            _("%(name)s: HERA holds a histogram, not what the mapping says (%(kind)s)")
            % {"name": path.name, "kind": mapping.kind}
        )
    lines = read_lines(path, limit)
    if limit is None:
        refuse_cut_line(path, [line for line in lines[-100:] if re.match(r"\s*[-\d]", line)])
    ends = [number for number, line in enumerate(lines) if line.strip() == END]
    if not ends:
        raise TableError(
            _("%(name)s: no line “%(end)s”; is it a file of HERA, and whole?")
            % {"name": path.name, "end": END}
        )
    header, notes = header_of(lines[: ends[0]], path.name)
    rows = []
    for at in range(ends[0] + 1, len(lines)):
        line = lines[at].strip()
        if not line or line.startswith("ADC"):
            continue
        row = [to_number(cell) for cell in line.split("\t") if cell.strip()]
        if len(row) < 2 or row[0] is None or row[1] is None:
            raise TableError(
                _("%(name)s: line %(line)d: expected ADC channel and counts")
                % {"name": path.name, "line": at + 1}
            )
        rows.append((row[0], row[1]))
    table = np.array(rows, float).reshape(-1, 2)
    whole = conditions_of(mapping, path, header)
    found = Measured(
        bias_v=whole["bias_v"],
        temperature_c=whole["temperature_c"],
        light=whole["light"],
        charges=spread_counts(table[:, 0], table[:, 1], path.name)[:, None],
        gate_s=_gate(header),
        serial=header.get("SiPM Serial", ""),
        facts=header,
    )
    whole.tell(found).notes.extend(notes)
    found.notes.append(_("a histogram: its counts were spread evenly over their bins"))
    return [found]


def header_of(lines: list[str], name: str) -> tuple[dict[str, str], list[str]]:
    """``key: value`` lines, of the supply's channels those of the one in use; and notes."""
    common: dict[str, str] = {}
    blocks: dict[str, dict[str, str]] = {}
    block: str | None = None
    for line in lines:
        key, colon, value = line.partition(":")
        if line.lstrip().startswith("dV/dT"):
            key, value, colon = "dV/dT", line.split("dV/dT")[1], ":"
        key = key.strip().replace("\ufffd", "°")
        if not colon:
            continue
        if key == "Ch." or line.startswith("Ch.:"):
            block = line.partition(":")[2].strip()
            blocks[block] = {}
        elif key.endswith("settings"):
            block = None
        elif block is not None:
            blocks[block][key] = value.strip()
        else:
            common[key] = value.strip()
    if not blocks:
        return common, []
    used = common.get("Channel in use", "")
    on = [one for one in blocks if common.get(f"Channel {one} Status", "").lower() == "on"]
    if used in blocks:
        chosen, why = used, _("the supply's channel in use")
    elif len(on) == 1 or len(blocks) == 1:
        chosen, why = (on or list(blocks))[0], _("the digitizer's input that is on")
    else:
        raise TableError(
            _("%s: the header does not say which of the supply's channels is in use") % name
        )
    said = blocks[chosen]
    notes = [
        _("bias and temperature are those of channel %(channel)s, %(why)s")
        % {"channel": chosen, "why": why}
    ]
    return common | {"Recorded channel": chosen, **said}, notes


def _gate(header: dict[str, str]) -> float:
    """Gate in seconds from ``Gate Width|Pre|Hold`` in ns; NaN where it is not said."""
    found = re.match(r"\s*(\d+(?:[.,]\d+)?)", header.get("Gate Width|Pre|Hold", ""))
    number = to_number(found.group(1)) if found else None
    return math.nan if number is None else number * 1e-9


FORMAT = Format(
    "hera",
    "CAEN HERA charge spectrum",
    "spectrum",
    looks,
    read,
    "Charge histogram of CAEN's HERA software (SP5600 kit); bias and temperature of the supply's "
    "channel in use from its header.",
    (
        ("bias_v", Given(header="Bias Voltage [V]")),
        ("temperature_c", Given(header="Channel Temperature [°C]")),
        ("light", Given(value=1.0)),
    ),
)
