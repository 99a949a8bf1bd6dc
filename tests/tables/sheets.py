"""Small spreadsheets and columnar files as other programs write them, made byte by byte here.

No package that is kept up writes .xls; what is here is the least of it that its readers take.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path

SECTOR = 512
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
Cell = str | float
MIMETYPE = "application/vnd.oasis.opendocument.spreadsheet"

MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{MIMETYPE}"/>'
    "</manifest:manifest>"
)


def write_xls(path: Path, rows: Sequence[Sequence[Cell]], sheet: str = "IV") -> None:
    """A workbook of Excel 97 (BIFF8) with one sheet, in a compound file of sectors."""
    path.write_bytes(_compound(_workbook(rows, sheet)))


def _workbook(rows: Sequence[Sequence[Cell]], sheet: str) -> bytes:
    def record(kind: int, data: bytes) -> bytes:
        return struct.pack("<HH", kind, len(data)) + data

    def begin(kind: int) -> bytes:
        return record(0x0809, struct.pack("<4H2I", 0x0600, kind, 0x0DBB, 0x07CC, 0, 6))

    name = struct.pack("<2B", len(sheet), 0) + sheet.encode("latin-1")
    head = begin(0x0005)
    place = len(head) + 4 + 6 + len(name) + 4
    head += record(0x0085, struct.pack("<I2B", place, 0, 0) + name) + record(0x000A, b"")
    body = begin(0x0010)
    for y, row in enumerate(rows):
        for x, cell in enumerate(row):
            at = struct.pack("<3H", y, x, 0)
            if isinstance(cell, str):
                text = struct.pack("<HB", len(cell), 0) + cell.encode("latin-1")
                body += record(0x0204, at + text)
            else:
                body += record(0x0203, at + struct.pack("<d", cell))
    return head + body + record(0x000A, b"")


def _compound(stream: bytes) -> bytes:
    """One stream, ``Workbook``, behind a sector of allocations and one of names."""
    data = stream.ljust(4096, b"\0")
    data += bytes(-len(data) % SECTOR)
    sectors = len(data) // SECTOR
    chain = [FAT, END, *(n + 3 for n in range(sectors - 1)), END]
    chain += [FREE] * (SECTOR // 4 - len(chain))
    head = bytes.fromhex("D0CF11E0A1B11AE1") + bytes(16)
    head += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, 1, 1, 0, 4096, END, 0, END, 0)
    head += struct.pack("<109I", 0, *[FREE] * 108)

    def entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
        text = (name + "\0").encode("utf-16-le")
        links = struct.pack("<3I", FREE, FREE, child)
        where = struct.pack("<IQ", start, size)
        return text.ljust(64, b"\0") + struct.pack("<HBB", len(text), kind, 1) + links + (
            bytes(36) + where
        )  # fmt: skip

    names = entry("Root Entry", 5, 1, END, 0) + entry("Workbook", 2, FREE, 2, len(data))
    none = bytes(64) + struct.pack("<HBB3I", 0, 0, 1, FREE, FREE, FREE) + bytes(48)
    return head + struct.pack(f"<{SECTOR // 4}I", *chain) + names + 2 * none + data


def write_ods(path: Path, rows: Sequence[Sequence[Cell]], sheet: str = "IV") -> None:
    """A spreadsheet of LibreOffice with one sheet."""
    spaces = "".join(
        f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    body = "".join(f"<table:table-row>{''.join(map(_cell, row))}</table:table-row>" for row in rows)
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{spaces}><office:body>'
        f'<office:spreadsheet><table:table table:name="{sheet}">{body}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", MIMETYPE)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
        archive.writestr("content.xml", content, zipfile.ZIP_DEFLATED)


def _cell(cell: Cell) -> str:
    if isinstance(cell, str):
        kind = 'office:value-type="string"'
        return f"<table:table-cell {kind}><text:p>{cell}</text:p></table:table-cell>"
    kind = f'office:value-type="float" office:value="{cell!r}"'
    return f"<table:table-cell {kind}><text:p>{cell:.2f}</text:p></table:table-cell>"
