"""What is part of what as a table, in and out: serial, part_of, place, from, to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.utils.translation import gettext as _

from mppcqa.exchange.device_lookup import DeviceLookup
from mppcqa.inventory.assembly import AssemblyRefused, Done, Mount, mount
from mppcqa.inventory.mountings import PLACE, Mounting
from mppcqa.inventory.scope import Viewer
from mppcqa.inventory.serials import normal_serial
from mppcqa.refused import Fault
from mppcqa.results.selection import chosen_devices
from mppcqa.tables import TableError, open_source
from mppcqa.tables.headings import HEADS, plain_head
from mppcqa.tables.numbers import texts
from mppcqa.typed import day

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PIECE = 2000
MOST_ROWS = 100_000
HEADINGS: dict[str, tuple[str, ...]] = {
    "serial": (*HEADS["serial"], "part", "pieza", "componente"),
    "part_of": ("part_of", "part of", "parent", "whole", "board", "assembly", "parte de", "placa"),
    "module": ("module", "módulo"),
    "row": ("row", "fila"),
    "col": ("col", "column", "columna"),
    "pos": ("pos", "position", "slot", "posición", "place"),
    "bias_channel": ("bias_channel", "bias channel", "canal de polarización"),
    "since": ("from", "since", "installed", "mounted", "desde", "montado"),
    "until": ("to", "until", "removed", "hasta", "desmontado"),
    "why": ("reason", "why", "remark", "motivo", "razón"),
}
"""What people write above each column, in small letters."""
SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("serial", "part_of", *PLACE)),
        *((name, pa.string()) for name in ("from", "to", "reason")),
        ("told_at", pa.timestamp("s", "UTC")),
        ("told_by", pa.string()),
        ("uuid", pa.string()),
    ]
)
TOLD = ("told_at", "told_by", "uuid")
"""Columns of our own that say nothing to a database which has rows of its own."""


def assembly_batches(filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    """The mountings of chosen devices, the history as well."""
    last = 0
    while True:
        devices = chosen_devices(filters, viewer).filter(pk__gt=last).order_by("pk")
        keys = list(devices.values_list("pk", flat=True)[:PIECE])
        if not keys:
            return
        last = keys[-1]
        seen = Mounting.objects.visible_to(viewer)
        rows = seen.filter(part__gte=keys[0], part__lte=last, part__in=keys)
        rows = rows.select_related("part", "whole", "told_by").order_by("part", "since", "id")
        yield pa.RecordBatch.from_pylist([_row(one) for one in rows], SCHEMA)


def _row(one: Mounting) -> dict[str, Any]:
    return {
        "serial": one.part.serial,
        "part_of": one.whole.serial if one.whole else None,
        **{key: one.place.get(key) for key in PLACE},
        "from": one.since and one.since.isoformat(),
        "to": one.until and one.until.isoformat(),
        "reason": one.why or None,
        "told_at": int(one.told_at.timestamp()),
        "told_by": one.told_by.get_username() if one.told_by else None,
        "uuid": str(one.uuid),
    }


def take_assembly(
    path: Path, *, viewer: Viewer, by: AbstractBaseUser | None = None, replace: bool = False
) -> tuple[Done, list[str]]:
    """Take a table in, all of it or `AssemblyRefused` with every fault by its row.

    Returns what was done, and notes on columns that are not used. Raises `TableError`.
    """
    rows, notes = _read(path)
    wanted, faults = _understood(rows, viewer)
    if faults:
        raise AssemblyRefused(faults)
    return mount(wanted, by=by, replace=replace), notes


def _read(path: Path) -> tuple[list[tuple[int, dict[str, str]]], list[str]]:
    """Rows by their numbers (as a spreadsheet counts them) and by what columns mean."""
    source = open_source(path)
    known = {head: key for key, heads in HEADINGS.items() for head in heads}
    means: dict[int, str] = {}
    unused = []
    for place, column in enumerate(source.columns):
        key = known.get(plain_head(column.head)) or known.get(column.head.strip().lower())
        if key and key in means.values():
            raise TableError(_("Two columns mean “%s”; choose one.") % column.head)
        if key:
            means[place] = key
        elif column.head not in TOLD:
            unused.append(column.head)
    if "serial" not in means.values() or not {"part_of", *PLACE} & set(means.values()):
        there = ", ".join(column.head for column in source.columns[:20])
        raise TableError(
            _("A table of parts needs a column of serials and one that says what they are part of; "
              "columns found: %s") % there
        )  # fmt: skip
    rows: list[tuple[int, dict[str, str]]] = []
    for chunk in source.chunks():
        if chunk.faults:
            raise TableError(str(chunk.faults[0].what))
        cells = {key: texts(chunk.cells[place]).to_pylist() for place, key in means.items()}
        for at, number in enumerate(chunk.rows.tolist()):
            row = {key: column[at] for key, column in cells.items() if column[at]}
            if row:
                rows.append((number, row))
        if len(rows) > MOST_ROWS:
            raise TableError(_("The table has more than %d rows. Split it.") % MOST_ROWS)
    if not rows:
        raise TableError(_("The table has names of columns, but no rows."))
    notes = [_("Columns that are not used: %s.") % ", ".join(unused)] if unused else []
    return rows, notes


def _understood(
    rows: list[tuple[int, dict[str, str]]], viewer: Viewer
) -> tuple[list[Mount], list[Fault]]:
    """Serials and dates as what they mean."""
    names = {
        normal_serial(row[key]) for _n, row in rows for key in ("serial", "part_of") if key in row
    }
    ids = _seen(names, viewer)
    wanted: list[Mount] = []
    faults: list[Fault] = []
    for number, row in rows:
        found: dict[str, Any] = {}
        for key in ("serial", "part_of"):
            text = row.get(key, "")
            found[key] = ids.get(normal_serial(text)) if text else None
            if found[key] is None and (text or key == "serial"):
                said = _("no device is called “%s”: register it first") % text[:80]
                faults.append(_fault(number, key, said))
        for key in ("since", "until"):
            text = row.get(key, "")
            found[key] = day(text[:10]) if text else None
            if text and found[key] is None:
                said = _("“%s” is no date: write it as 2027-03-31") % text[:40]
                faults.append(_fault(number, key, said))
        place = {key: row[key][:60] for key in PLACE if key in row}
        wanted.append(
            Mount(
                *(found["serial"] or 0, found["part_of"], place, found["since"], found["until"]),
                why=row.get("why", ""),
                row=number,
            )
        )
    return wanted, faults


def _fault(number: int, key: str, text: str) -> Fault:
    line = _("row %(row)d: %(text)s") % {"row": number, "text": text}
    return Fault(line, row=number, field=key)


def _seen(names: set[str], viewer: Viewer) -> dict[str, int]:
    """Ids of devices by present and former serials, those that `viewer` sees."""
    ordered = sorted(names)
    found, _channels = DeviceLookup(viewer).find(pa.array(ordered, pa.string()))
    return {name: pk for name, pk in zip(ordered, found.tolist(), strict=True) if pk >= 0}
