"""A table of devices, checked row by row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from mppcqa.exchange.by_channel import ByChannel
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import ColumnMapping
from mppcqa.inventory.device_rows import DeviceRows, Existing, Plan
from mppcqa.tables import Chunk, Fault, Source
from mppcqa.tables.numbers import texts, to_number
from mppcqa.typed import whole

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PIECE = 2000
PLACES = ("tray_row", "tray_column")
Told = Callable[[int], None]


def read_devices(
    source: Source,
    mapping: ColumnMapping,
    book: FaultBook,
    *,
    existing: Existing,
    by: AbstractBaseUser | None,
    planned: Callable[[Plan], None] = lambda plan: None,
    told: Told = lambda rows: None,
    warned: Callable[[str], None] | None = None,
) -> dict[str, int]:
    """Check every row; `planned` is given what those without a fault would do, piece by piece.

    Nothing is written. What is no fault and may be wrong all the same is `warned` of. Returns
    counts: rows, new, changed, skipped.
    """
    reader = DeviceRows(by=by, existing=existing)
    counts = {"rows": 0, "new": 0, "changed": 0, "skipped": 0}
    heads = {target.to: head for head, target in mapping.columns.items()}
    least: dict[str, int] = {}
    channels = ByChannel(heads) if "channel" in heads else None

    def plan(rows: list[dict[str, Any]], numbers: list[int]) -> None:
        if not rows:
            return
        # The action counts from 0, a spreadsheet from 1.
        found = reader.plan(rows, [number - 1 for number in numbers])
        for fault in sorted(found.faults, key=lambda one: one.row):
            book.add(Fault(fault.row + 1, heads.get(fault.column, fault.column), fault.text))
        counts["new"] += len(found.new)
        counts["changed"] += len(found.changed)
        counts["skipped"] += found.skipped
        planned(found)

    for chunk in source.chunks():
        book.extend(chunk.faults)
        broken = {fault.row for fault in chunk.faults}
        for rows, numbers in _pieces(chunk, source, mapping):
            counts["rows"] += len(rows)
            _place(rows, mapping.places_from, least)
            if channels is not None:
                whole = channels.take(rows, numbers, broken)
                book.extend(channels.faults)
                plan(*whole)
            else:
                good = [at for at, number in enumerate(numbers) if number not in broken]
                plan([rows[at] for at in good], [numbers[at] for at in good])
            told(counts["rows"])
    if channels is not None:
        whole = channels.take([], [], last=True)
        book.extend(channels.faults)
        plan(*whole)
    if warned is not None and mapping.places_from == 0 and set(least.values()) == {1}:
        warned(
            _(
                "Rows and columns of trays begin with 1 in this table and with 0 here. If it "
                "counts from 1, say so below, and check again: else all lie one place off."
            )
        )
    return counts


def _place(rows: list[dict[str, Any]], first: int, least: dict[str, int]) -> None:
    """Positions as we count them, from 0; `least` keeps the smallest of the file's own."""
    for row in rows:
        for name in PLACES:
            number = whole(row.get(name))
            if number is not None:
                least[name] = min(number, least.get(name, number))
                row[name] = str(number - first) if first else row[name]


def _pieces(
    chunk: Chunk, source: Source, mapping: ColumnMapping
) -> Iterator[tuple[list[dict[str, Any]], list[int]]]:
    places = [
        (place, column, mapping.columns[column.head].to)
        for place, column in enumerate(source.columns)
        if column.head in mapping.columns and mapping.columns[column.head].to
    ]
    columns = {place: texts(chunk.cells[place]) for place, _column, _to in places}
    fill = {key: value for key, value in mapping.fill.items() if value}
    for start in range(0, len(chunk), PIECE):
        cells = {
            place: column[start : start + PIECE].to_pylist() for place, column in columns.items()
        }
        numbers = chunk.rows[start : start + PIECE].tolist()
        rows, kept = [], []
        for at, number in enumerate(numbers):
            row: dict[str, Any] = dict(fill)
            maker: dict[str, Any] = {}
            filled = False
            for place, column, to in places:
                text = cells[place][at]
                if not text:
                    continue
                filled = True
                if to == "maker":
                    maker[column.head] = _number(text, column.decimal)
                else:
                    row[to] = text
            if not filled:
                continue  # an empty line
            if maker:
                row["maker_values"] = maker
            rows.append(row)
            kept.append(number)
        yield rows, kept


def _number(text: str, decimal: str) -> Any:
    """A maker's value as a number where it is one, so that it can be compared."""
    if text.isdecimal() and text.startswith("0") and text != "0":
        return text  # a number of a wafer
    value = to_number(text, decimal)
    return text if value is None or not math.isfinite(value) else value
