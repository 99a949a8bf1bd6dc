"""Records of what was done to devices, as tables: in, all or nothing, and out again."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.utils.translation import gettext as _

from mppcqa.exchange.device_lookup import DeviceLookup
from mppcqa.inventory.records import DeviceRecord, kind_title
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.serials import normal_serial
from mppcqa.limits.records import NewRecord, RecordRefused, add_records
from mppcqa.refused import Refused
from mppcqa.results.selection import chosen_devices
from mppcqa.stages.records import RecordField, RecordKind, record_kinds
from mppcqa.tables import Column, Fault, Reading, TableError, open_source
from mppcqa.tables.headings import KNOWN, plain_head
from mppcqa.tables.numbers import texts, to_number
from mppcqa.tables.units import Conversion, conversion
from mppcqa.typed import moment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PIECE = 500
MOST_ROWS = 100_000
OWN_HEADS = {
    "kind": ("kind", "what", "record", "tipo de registro", "qué"),
    "done_at": ("done at", "date", "when", "time of record", "fecha", "cuándo", "date time"),
    "uncertainty": (
        *("uncertainty", "uncertainty percent", "relative uncertainty", "incertidumbre"),
    ),
    "remark": ("remark", "comment", "note", "observación", "comentario", "nota"),
    "withdrawn_at": ("withdrawn at",),
}
"""Headings of what all records have, beside the serial number."""
FLUENCE_UNIT = re.compile(r"(1mev)?n?(eq)?/cm2|(1mev)?n?(eq)?cm2|1/cm2", re.I)
"""Ways to write equivalent neutrons a square centimetre, without marks and blanks."""


class RecordsRefused(Refused):
    """Nothing was taken in; `faults` has a line for each row that is wrong."""

    between = "\n"


@dataclass(frozen=True)
class _Read:
    """What a column is: a key, and what makes its numbers those of the field."""

    key: str
    change: Conversion = Conversion()  # noqa: RUF009  (it is frozen)


def import_records(
    path: Path,
    *,
    kind: str = "",
    reading: Reading | None = None,
    by: AbstractBaseUser | None = None,
    only_check: bool = False,
) -> int:
    """Records of a table, a row a device: all of them, or none and `RecordsRefused`.

    kind
        Key of the kind of all rows, where no column says it.

    Returns how many records there are. Rows that were withdrawn are left out. Raises `TableError`
    for what is no table.
    """
    source = open_source(path, reading)
    kinds = record_kinds()
    if kind and kind not in kinds:
        raise RecordsRefused(
            [_("There is no kind of record “%(kind)s”; there are: %(known)s.")
             % {"kind": kind, "known": ", ".join(kinds)}]
        )  # fmt: skip
    columns, faults = _columns(source.columns, kinds.values())
    found = {one.key for one in columns if one is not None}
    for key, title in (("serial", _("serial number")), ("done_at", _("date"))):
        if key not in found:
            faults.append(_("No column is the %s.") % title)
    if "kind" not in found and not kind:
        faults.append(_("No column is the kind of record; name one for all rows."))
    if faults:
        raise RecordsRefused(faults)
    lookup, records, rows = DeviceLookup(by), list[NewRecord](), list[int]()
    for chunk in source.chunks():
        faults += [str(one) for one in chunk.faults]
        cells = [texts(column).to_pylist() for column in chunk.cells]
        for at, number in enumerate(chunk.rows.tolist()):
            row = {
                one.key: (cells[place][at], one, source.columns[place])
                for place, one in enumerate(columns)
                if one is not None and cells[place][at]
            }
            if not row or "withdrawn_at" in row:
                continue
            record, wrong = _record(row, kind, lookup)
            faults += [str(Fault(number, column, text)) for column, text in wrong]
            if record is not None:
                records.append(record)
                rows.append(number)
            if len(records) > MOST_ROWS:
                raise TableError(_("The table has more than %d rows. Split it.") % MOST_ROWS)
    if faults:
        raise RecordsRefused(faults)
    if only_check:
        return len(records)
    try:
        add_records(records, by=by)
    except RecordRefused as error:
        told = [
            Fault(None if one.row is None else rows[one.row], one.field, str(one))
            for one in error.faults
        ]
        raise RecordsRefused(map(str, told)) from error
    return len(records)


def _columns(heads: list[Column], kinds: Any) -> tuple[list[_Read | None], list[str]]:
    """What each column is; None for one that says nothing of a record."""
    known: dict[str, RecordField | None] = {}
    by_head: dict[str, str] = {head: "serial" for head, key in KNOWN.items() if key == "serial"}
    for own, words in OWN_HEADS.items():
        by_head |= dict.fromkeys((plain_head(own), *words), own)
    for kind in kinds:
        for one in kind.fields:
            known[one.key] = one
            for head in (plain_head(one.key), plain_head(one.title), *one.headings):
                by_head.setdefault(head, one.key)
    columns: list[_Read | None] = []
    faults, seen = [], set[str]()
    for column in heads:
        key = by_head.get(plain_head(column.head)) or by_head.get(plain_head(column.name))
        if key is None:
            columns.append(None)
            continue
        if key in seen:
            faults.append(_("Two columns mean “%s”; choose one.") % key)
        seen.add(key)
        change = _change(column.unit, known.get(key), key)
        if change is None:
            text = _("The unit of the column “%(column)s” can't be made %(unit)s.")
            unit = getattr(known.get(key), "unit", "%")
            faults.append(text % {"column": column.head, "unit": unit or _("a pure number")})
        columns.append(_Read(key, change or Conversion()))
    return columns, faults


def _change(unit: str, one: RecordField | None, key: str) -> Conversion | None:
    """What makes numbers of a column those of its field; None where the unit does not fit."""
    if key == "uncertainty":
        return Conversion(0.01) if unit in ("", "%") else None
    if one is None or one.is_text or not unit:
        return Conversion()
    plain = re.sub(r"[\s_^.()]", "", unit.replace("²", "2").replace("cm-2", "/cm2"))
    if one.unit == "n_eq/cm2":
        return Conversion() if FLUENCE_UNIT.fullmatch(plain) else None
    return conversion(unit, one.unit)


Row = Mapping[str, tuple[str, _Read, Column]]


def _record(
    row: Row, kind: str, lookup: DeviceLookup
) -> tuple[NewRecord | None, list[tuple[str, str]]]:
    """The record of a row, or what is wrong with it: column and text."""

    def text(key: str) -> str:
        return row[key][0] if key in row else ""

    faults: list[tuple[str, str]] = []
    serial = normal_serial(text("serial"))
    device = int(lookup.find(pa.array([serial], pa.string()))[0][0]) if serial else -1
    if device < 0:
        faults.append(("", _("%s is not registered; register it first") % (serial or "–")))
    named = _kind_of(text("kind")) if text("kind") else kind
    done_at = moment(text("done_at"))
    if done_at is None:
        said = text("done_at") or "–"
        faults.append(("", _("“%s” is no date; write it like 2027-03-31 14:30 (UTC).") % said))
    facts: dict[str, Any] = {}
    declared = record_kinds().get(named or "")
    fields = {one.key: one for one in declared.fields} if declared else {}
    error: float | None = None
    for key, (cell, read, column) in row.items():
        one = fields.get(key)
        if key == "uncertainty" or (one is not None and not one.is_text):
            value = to_number(cell, column.decimal)
            if value is None:
                faults.append((column.head, _("“%s” is no number.") % cell[:30]))
                continue
            value = float(f"{value * read.change.factor + read.change.offset:.12g}")
            if key == "uncertainty":
                error = value
            else:
                facts[key] = value
        elif one is not None:
            facts[key] = cell
        elif key not in ("serial", *OWN_HEADS):
            title = kind_title(named or "")
            faults.append((column.head, _("%s has no such field.") % title))
    if done_at is None:
        return None, faults
    record = NewRecord(named or text("kind"), done_at, facts, error, text("remark")[:300], [device])
    faults += [(one.field, str(one)) for one in record.faults()]
    return (None if faults else record), faults


def _kind_of(text: str) -> str:
    """The kind that a cell names, by its key or its title."""
    wanted = plain_head(text)
    for key, one in record_kinds().items():
        if wanted in (plain_head(key), plain_head(one.title), plain_head(_(one.title))):
            return key
    return text


def _fields(kinds: Mapping[str, RecordKind]) -> dict[str, RecordField]:
    """Fields of all kinds, by key."""
    return {one.key: one for kind in kinds.values() for one in kind.fields}


def record_schema() -> pa.Schema:
    """Columns of the list of records."""
    facts = [
        pa.field(key, pa.string() if one.is_text else pa.float64())
        for key, one in _fields(record_kinds()).items()
    ]
    return pa.schema([
        pa.field("serial", pa.string()),
        pa.field("kind", pa.string()),
        pa.field("done_at", pa.timestamp("s", "UTC")),
        *facts,
        pa.field("uncertainty_percent", pa.float64()),
        pa.field("remark", pa.string()),
        pa.field("recorded_by", pa.string()),
        pa.field("recorded_at", pa.timestamp("s", "UTC")),
        pa.field("withdrawn_at", pa.timestamp("s", "UTC")),
        pa.field("withdrawn_why", pa.string()),
        pa.field("uuid", pa.string()),
    ])  # fmt: skip


def record_batches(filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    """Records of the devices that `filters` choose and `viewer` sees, withdrawn ones as well."""
    schema = record_schema()
    keys = list(_fields(record_kinds()))
    last = 0
    while True:
        page = chosen_devices(filters, viewer).filter(pk__gt=last).order_by("pk")
        devices = list(page.values_list("pk", flat=True)[:PIECE])
        if not devices:
            return
        last = devices[-1]
        rows = list(
            DeviceRecord.objects.visible_to(viewer)
            .filter(device__in=devices)
            .select_related("device", "made_by")
            .order_by("device", "done_at", "pk")
        )
        if rows:
            cells = [_cells(row, keys) for row in rows]
            yield pa.record_batch(
                [
                    pa.array(column, field.type)
                    for column, field in zip(zip(*cells, strict=True), schema, strict=True)
                ],
                schema=schema,
            )


def _cells(row: DeviceRecord, keys: list[str]) -> list[Any]:
    return [
        row.device.serial,
        row.kind,
        row.done_at,
        *(row.facts.get(key) for key in keys),
        None if row.uncertainty is None else 100 * row.uncertainty,
        row.remark or None,
        row.made_by.get_username() if row.made_by else None,
        row.made_at,
        row.withdrawn_at,
        row.withdrawn_why or None,
        str(row.uuid),
    ]
