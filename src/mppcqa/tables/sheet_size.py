"""How many cells a workbook of an old format claims, before all of them are held.

Its reader makes a rectangle of all rows and columns up to the last cell: one cell at the far corner
of a file of 5 kB costs a gigabyte and seconds. Layouts: Microsoft's [MS-CFB], [MS-XLS], [MS-XLSB];
OpenDocument 1.3.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any, NamedTuple
from xml.parsers import expat

from mppcqa.tables.errors import ZIP_DAMAGED, TableError
from mppcqa.tables.words import say as _

CELLS = {0x06, 0xBD, 0xD6, 0xFD, 0x0203, 0x0204, 0x0205, 0x027E}
"""Records of .xls that hold a cell: formulas, rows of numbers, texts, numbers, truths."""
BEGIN, END = 0x0809, 0x000A
SIZES = {END: 0, 0x0203: 14, 0x027E: 10}
"""Bytes that a record has where it is whole: ends of parts, and cells that hold a number."""
LAST = 0xFFFFFFFA
"""Larger numbers of sectors say what they are, not where."""
PIECE = 1 << 20
DAMAGED = (*ZIP_DAMAGED, expat.ExpatError, ValueError)


class Reach(NamedTuple):
    """The largest rectangle that a sheet needs, and how many of its cells hold something."""

    cells: int = 0
    filled: int = 0


def reach_of(path: Path) -> Reach:
    """How far a workbook's sheets reach; nothing where that can't be told.

    Raises `TableError` for an .xls that lacks bytes or has more: its reader takes what is left for
    all.
    """
    if not zipfile.is_zipfile(path):
        try:
            return _of_records(_stream(path.read_bytes()))
        except TableError:
            raise
        except DAMAGED:
            return Reach()  # its reader says so
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "content.xml" in names:
                return _of_content(archive)
            sheets = [name for name in names if name.startswith("xl/worksheets/sheet")]
            return max((_of_binary(archive.read(name)) for name in sheets), default=Reach())
    except DAMAGED:
        return Reach()


def _stream(data: bytes) -> bytes:
    """The stream of a compound file that holds the workbook; empty where there is none."""
    shift, small = struct.unpack_from("<2H", data, 30)
    if not (7 <= shift <= 16 and 4 <= small < shift):
        raise ValueError("sectors of no size")
    size = 1 << shift
    directory, _sign, cutoff, small_chain = struct.unpack_from("<4I", data, 48)

    def sector(number: int) -> bytes:
        return data[(number + 1) << shift : (number + 2) << shift]

    def whole(number: int) -> bytes:
        found = sector(number)
        if len(found) < size:
            raise TableError(_lacks())
        return found

    lists = list(struct.unpack_from("<109I", data, 76))
    more, seen = struct.unpack_from("<I", data, 68)[0], 0
    while more < LAST and seen * size < len(data):
        block = struct.unpack(f"<{size // 4}I", whole(more))
        lists, more, seen = [*lists, *block[:-1]], block[-1], seen + 1
    table = [
        one
        for number in lists
        if number < LAST
        for one in struct.unpack(f"<{size // 4}I", whole(number))
    ]

    def chain(start: int, following: list[int]) -> list[int]:
        found: list[int] = []
        while start < LAST and len(found) <= len(following):
            found.append(start)
            start = following[start]
        return found

    names = b"".join(map(whole, chain(directory, table)))
    root = struct.unpack_from("<I", names, 116)[0]
    for at in range(0, len(names) - 127, 128):
        name = names[at : at + 64].decode("utf-16-le", "replace").split("\0")[0]
        if name not in ("Workbook", "Book"):
            continue
        start, length = struct.unpack_from("<2I", names, at + 116)
        if length >= cutoff:
            # The last sector of a file need not be filled up, as long as nothing of it lacks.
            stream = b"".join(map(sector, chain(start, table)))
            if len(stream) < length:
                raise TableError(_lacks())
            return stream[:length]
        inside = b"".join(map(sector, chain(root, table)))
        packed = b"".join(map(sector, chain(small_chain, table)))
        following = list(struct.unpack(f"<{len(packed) // 4}I", packed))
        pieces = [inside[one << small : (one + 1) << small] for one in chain(start, following)]
        return b"".join(pieces)[:length]
    return b""


def _lacks() -> str:
    return _(
        "The spreadsheet lacks bytes or has some too many: it was cut off or damaged. Copy it anew."
    )


def _of_records(stream: bytes) -> Reach:
    """Each record says how long it is: a byte too many or too few, and the walk does not end with
    the last part's end. The reader takes what it met until then for all.
    """
    at, open_, rows, columns, filled, most = 0, 0, 0, 0, 0, Reach()
    while at + 4 <= len(stream):
        kind, length = struct.unpack_from("<2H", stream, at)
        if not open_ and kind != BEGIN:
            break
        if at + 4 + length > len(stream) or length != SIZES.get(kind, length):
            raise TableError(_lacks())
        open_ += (kind == BEGIN) - (kind == END)
        if kind in CELLS and length >= 6:
            row, column = struct.unpack_from("<2H", stream, at + 4)
            last = column
            if kind == 0xBD:
                last = max(column, struct.unpack_from("<H", stream, at + 2 + length)[0])
            filled += last - column + 1
            rows, columns = max(rows, row + 1), max(columns, last + 1)
            most = max(most, Reach(rows * columns, filled))
        elif kind == BEGIN:
            rows = columns = filled = 0
        at += 4 + length
    if open_ or stream[at:].strip(b"\0"):
        raise TableError(_lacks())
    return most


def _of_binary(data: bytes) -> Reach:
    """Of a sheet of .xlsb: rows by their own records, cells by their column."""
    at, row, rows, columns, filled = 0, 0, 0, 0, 0
    while at < len(data):
        kind, at = _seven_bits(data, at, 2)
        length, at = _seven_bits(data, at, 4)
        if kind == 0:
            row = struct.unpack_from("<I", data, at)[0]
        elif 2 <= kind <= 11:
            filled += 1
            rows = max(rows, row + 1)
            columns = max(columns, struct.unpack_from("<I", data, at)[0] + 1)
        at += length
    return Reach(rows * columns, filled)


def _seven_bits(data: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of which each byte has seven bits and says whether one follows."""
    value = 0
    for place in range(most):
        value |= (data[at] & 0x7F) << 7 * place
        at += 1
        if not data[at - 1] & 0x80:
            break
    return value, at


class _Repeats:
    """Rows and columns of the sheet that is read, and the most cells of any."""

    def __init__(self) -> None:
        self.most = Reach()
        self.rows = self.columns = self.before = self.filled = 0
        self.times = self.column = self.last = self.here = 0

    def begin(self, name: str, about: dict[str, str]) -> None:
        if name == "table:table":
            self.rows = self.columns = self.before = self.filled = 0
        elif name == "table:table-row":
            self.times = int(about.get("table:number-rows-repeated", "1"))
            self.column = self.last = self.here = 0
        elif name in ("table:table-cell", "table:covered-table-cell"):
            several = int(about.get("table:number-columns-repeated", "1"))
            self.column += several
            if any(key.startswith("office:") for key in about):
                self.last, self.here = self.column, self.here + several

    def end(self, name: str) -> None:
        if name != "table:table-row":
            return
        self.before += self.times
        if self.last:
            self.rows, self.columns = self.before, max(self.columns, self.last)
            self.filled += self.times * self.here
            self.most = max(self.most, Reach(self.rows * self.columns, self.filled))


def _of_content(archive: Any) -> Reach:
    """Of LibreOffice's, whose rows and cells may stand for many."""
    found, parser = _Repeats(), expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = found.begin, found.end
    with archive.open("content.xml") as file:
        while piece := file.read(PIECE):
            parser.Parse(piece)
    return found.most
