"""Reading a foreign file by its mapping."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from mppcqa.runfile.foreign.hera import read_hera
from mppcqa.runfile.foreign.mapping import ForeignError, Mapping
from mppcqa.runfile.foreign.measured import Measured
from mppcqa.runfile.foreign.oscilloscope import read_lecroy, read_tektronix
from mppcqa.runfile.foreign.root import read_root
from mppcqa.runfile.foreign.table import read_table
from mppcqa.runfile.foreign.text import read_lines

READERS: dict[str, Callable[[Path, Mapping, int | None], list[Measured]]] = {
    "table": read_table,
    "root": read_root,
    "hera": read_hera,
    "lecroy": read_lecroy,
    "tektronix": read_tektronix,
}
LOOK_BYTES = 2_000_000
LOOK_ENTRIES = 2_000


def read_foreign(path: Path, mapping: Mapping) -> list[Measured]:
    """Everything that a file holds; `ForeignError` names the file and the place of a fault."""
    return _read(path, mapping, None)


def look_at(path: Path, mapping: Mapping) -> list[Measured]:
    """What a large file holds at its beginning; a small one is read whole."""
    limit = LOOK_ENTRIES if mapping.format == "root" else LOOK_BYTES
    small = mapping.format != "root" and path.stat().st_size <= 20 * LOOK_BYTES
    return _read(path, mapping, None if small else limit)


def _read(path: Path, mapping: Mapping, limit: int | None) -> list[Measured]:
    if not path.is_file():
        raise ForeignError(f"{path.name}: there is no such file")
    if path.stat().st_size == 0:
        raise ForeignError(f"{path.name}: the file is empty")
    found = READERS[mapping.format](path, mapping, limit)
    if not any(part.size for part in found):
        raise ForeignError(f"{path.name}: nothing was found in it")
    return found


def guess_mapping(path: Path, mappings: Iterable[Mapping]) -> Mapping | None:
    """The first of some mappings that the file's own marks speak for; None where none does."""
    with path.open("rb") as file:
        start = file.read(4096)
    by_format: dict[str, list[Mapping]] = {}
    for mapping in mappings:
        by_format.setdefault(mapping.format, []).append(mapping)
    marks = {
        "root": start[:4] == b"root",
        "lecroy": start[:6].upper() == b"LECROY",
        "tektronix": b"Record Length" in start[:200],
        "hera": b"HERA" in start,
    }
    for form, marked in marks.items():
        if marked:
            return next(iter(by_format.get(form, [])), None)
    for mapping in by_format.get("table", []):
        width = max((int(c.source) for c in mapping.columns if c.source.isdigit()), default=0)
        try:
            first = read_lines(path, 65536)
        except ForeignError:
            return None
        middle = first[len(first) // 2] if first else ""
        there = len([cell for cell in middle.replace(";", "\t").split("\t") if cell.strip()])
        there = there if "\t" in middle or ";" in middle else len(middle.split(","))
        if width and there == width:
            return mapping
    return None
