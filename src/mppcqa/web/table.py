"""A pasted or uploaded table of devices, read into rows that can be registered."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

MAX_BYTES = 20 * 1024 * 1024

# What people write above their columns, in both languages; everything else is a maker's value.
HEADS = {
    "serial": (
        "serial",
        "serial number",
        "serial_number",
        "sn",
        "serie",
        "número de serie",
        "device",
    ),
    "device_type": ("type", "device type", "device_type", "model", "tipo", "modelo"),
    "lot": ("lot", "batch", "lote"),
    "tray": ("tray", "bandeja"),
    "tray_row": ("row", "tray_row", "tray row", "fila"),
    "tray_column": ("column", "col", "tray_column", "tray column", "columna"),
    "location": ("location", "institute", "place", "lugar", "instituto", "ubicación"),
}
_KNOWN = {head: key for key, heads in HEADS.items() for head in heads}


@dataclass
class Table:
    """Rows of a table, each with the number of its line, and what could not be read."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def decode(data: bytes) -> str:
    """Text of an uploaded file: UTF-8 with or without mark, UTF-16 with mark, else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def read_table(text: str, defaults: dict[str, Any] | None = None) -> Table:
    """Rows of comma, semicolon or tab separated text.

    A first line without any known column name is data: then its first column is the serial.
    `defaults` fill cells that are empty or missing.
    """
    text = text.lstrip("\ufeff")
    table = Table()
    if "\x00" in text:
        table.faults.append(_("This is no text but a binary file. Save the table as CSV."))
        return table
    try:
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        table.faults.append(_("This is no table: %s.") % error)
        return table
    numbered = [(n, [cell.strip() for cell in line]) for n, line in enumerate(lines, 1)]
    numbered = [(n, line) for n, line in numbered if any(line)]
    if not numbered:
        table.faults.append(_("The table is empty."))
        return table
    heads = [_KNOWN.get(cell.lower(), cell) for cell in numbered[0][1]]
    if "serial" in heads:
        numbered = numbered[1:]
        twice = sorted({head for head in heads if head and heads.count(head) > 1})
        if twice:
            table.faults.append(_("Columns that come twice: %s") % ", ".join(twice))
    elif len(heads) > 1 and any(head in HEADS for head in heads):
        table.faults.append(
            _("No column is called “serial”. Columns found: %s") % ", ".join(numbered[0][1])
        )
        return table
    else:
        heads = ["serial", "device_type", "lot", "location"][: max(len(x) for _n, x in numbered)]
    for number, cells in numbered:
        if len(cells) > len(heads) and any(cells[len(heads) :]):
            table.faults.append(
                _("Line %(line)d has %(found)d cells, but there are %(heads)d columns.")
                % {"line": number, "found": len(cells), "heads": len(heads)}
            )
            continue
        table.rows.append(_row(heads, cells, defaults or {}))
        table.lines.append(number)
    return table


def _row(heads: list[str], cells: list[str], defaults: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    maker: dict[str, str] = {}
    for head, cell in zip(heads, cells, strict=False):
        if not cell:
            continue
        if head in HEADS:
            row[head] = cell
        elif head:
            maker[head] = cell
    if maker:
        row["maker_values"] = maker
    return {**{key: value for key, value in defaults.items() if value}, **row}


def _delimiter(text: str) -> str:
    """The separator that the first line with any has most of."""
    for line in text.splitlines():
        counts = {mark: line.count(mark) for mark in "\t;,"}
        if any(counts.values()):
            return max(counts, key=lambda mark: counts[mark])
    return ","
