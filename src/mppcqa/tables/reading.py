"""Reading a file of raw data by its mapping."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats import formats, recognise
from mppcqa.tables.mapping import Mapping
from mppcqa.tables.measured import Measured
from mppcqa.tables.parts import read_table
from mppcqa.tables.unreadable import named
from mppcqa.tables.words import say as _

LOOK_BYTES = 2_000_000
LOOK_ENTRIES = 2_000
BY_ENTRIES = ("root", "hdf5")


def read_foreign(path: Path, mapping: Mapping) -> list[Measured]:
    """Everything that a file holds; `TableError` names the file and the place of a fault."""
    return _read(path, mapping, None)


def look_at(path: Path, mapping: Mapping) -> list[Measured]:
    """What a large file holds at its beginning; a small one is read whole."""
    form = form_of(path, mapping) if path.is_file() else mapping.format
    limit = LOOK_ENTRIES if form in BY_ENTRIES else LOOK_BYTES
    small = form not in BY_ENTRIES and path.stat().st_size <= 20 * LOOK_BYTES
    return _read(path, mapping, None if small else limit)


def form_of(path: Path, mapping: Mapping) -> str:
    """The format that a file is read by: its own, where a mapping of tables was made for it.

    A list of Janus or WaveDump looks like a table to who makes a mapping, and is none to a reader.
    """
    if mapping.format != "table":
        return mapping.format
    found = recognise(path)
    return found.key if found is not None and found.text else "table"


def _ask_apart(parts: list[Measured]) -> None:
    """Ask of parts that nothing tells apart: as one they would give the numbers of neither."""
    there: dict[tuple[object, ...], list[Measured]] = {}
    for part in parts:
        at = (part.bias_v, part.temperature_c, part.light, *sorted(part.others.items()))
        key = (part.kind, part.serial, part.channels, *map(str, at))
        there.setdefault(key, []).append(part)
    for several in there.values():
        if len(several) > 1:
            several[0].doubts.append(
                _(
                    "%(n)d measurements of channel %(channel)s at the same conditions: say what "
                    "tells them apart (a channel, a serial number, a temperature)"
                )
                % {"n": len(several), "channel": ", ".join(map(str, several[0].channels[:4]))}
            )


def _read(path: Path, mapping: Mapping, limit: int | None) -> list[Measured]:
    if not path.is_file():
        raise TableError(_("%s: there is no such file") % path.name)
    if path.stat().st_size == 0:
        raise TableError(_("%s: the file is empty") % path.name)
    form = form_of(path, mapping)
    if form == "table" and (what := named(path)):
        raise TableError(_("%(name)s is %(what)s") % {"name": path.name, "what": what})
    read = read_table if form == "table" else formats()[form].read
    try:
        found = read(path, replace(mapping, format=form), limit)
    except TableError as error:
        text = str(error)
        raise TableError(text if path.name in text else f"{path.name}: {text}") from None
    except (MemoryError, RecursionError):
        raise TableError(
            _("%s: would need more memory than there is; is it damaged?") % path.name
        ) from None
    for part in found:
        for name in mapping.axes.keys() - part.others.keys():
            part.others[name] = mapping.condition(name, path, part.facts)
    _ask_apart(found)
    if not any(part.size for part in found):
        raise TableError(_("%s: nothing was found in it") % path.name)
    return found
