"""The partner's tables into the database: kept as they stand; what is known becomes the devices'.

Columns by the public pages of the GlueX collaboration (wiki page "SiPM Database", 2016). Columns
that are not known are kept with the others and go out again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from mppcqa.exchange.models import PartnerTable
from mppcqa.exchange.partner.tables import Table, cell_of, text_of
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.assembly import remember
from mppcqa.inventory.models import Device
from mppcqa.inventory.mountings import PLACE
from mppcqa.tables.numbers import to_number

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SERIAL = "sn"
SPEC, TILE = "sipm_spec", "sipm_spec_tile"
MAKER = {
    "voltage": "V_op [V]",
    "vol_var": "V_op spread [mV]",
    "m_var": "gain variation [%]",
    "dark_rate": "dark rate [MHz]",
    "dr_var": "dark rate spread [%]",
}
"""The maker's data of an array."""
OF_CELL = {"voltage": "V_op cell {cell} [V]", "dark_rate": "dark rate cell {cell} [MHz]"}
PIECE = 500


@dataclass
class Taken:
    """What became of the tables."""

    rows: dict[str, int] = field(default_factory=dict)
    registered: int = 0
    devices: int = 0
    unknown_devices: list[str] = field(default_factory=list)
    unknown_columns: dict[str, list[str]] = field(default_factory=dict)


@transaction.atomic
def take_in(
    tables: Sequence[Table], *, device_type: str = "", by: AbstractBaseUser | None = None
) -> Taken:
    """Keep all rows, in place of those of an earlier time, and tell the devices what is theirs.

    `device_type` is that of arrays which are not registered yet; without it they are only told.
    """
    done = Taken(rows={table.name: len(table.rows) for table in tables})
    for table in tables:
        PartnerTable.objects.update_or_create(
            name=table.name,
            defaults={
                "columns": table.columns,
                "rows": table.rows,
                "definition": table.definition,
            },
        )
        known = {SERIAL, *MAKER, *PLACE, "cell"} if table.name in (SPEC, TILE) else {SERIAL}
        done.unknown_columns[table.name] = [one for one in table.columns if one not in known]
    said = _said(tables)
    _register(set(said), device_type, by, done)
    devices = _devices(said)
    for serial, device in devices.items():
        maker, place = said[serial]
        device.maker_values = {**device.maker_values, **maker}
        if place:
            device.installed = place
    Device.objects.bulk_update(devices.values(), ["maker_values", "installed"], PIECE)
    # The tables don't say from when on.
    built_in = [one.pk for one in devices.values() if one.installed]
    remember(built_in, since=None, by=by)
    done.devices = len(devices)
    done.unknown_devices = sorted(set(said) - set(devices))
    return done


def _said(tables: Sequence[Table]) -> dict[str, tuple[dict[str, Any], dict[str, str]]]:
    """Maker's values and place of each serial number."""
    found: dict[str, tuple[dict[str, Any], dict[str, str]]] = defaultdict(lambda: ({}, {}))
    for table in tables:
        at = table.place(SERIAL)
        if at is None:
            continue
        for row in table.rows:
            serial = (text_of(row[at]) or "").strip().upper()
            if not serial:
                continue
            maker, place = found[serial]
            cells = dict(zip(table.columns, map(text_of, row), strict=True))
            if table.name == SPEC:
                maker |= _numbers(cells, MAKER)
                place |= {key: text for key in PLACE if (text := cells.get(key))}
            elif table.name == TILE and cells.get("cell"):
                names = {key: name.format(cell=cells["cell"]) for key, name in OF_CELL.items()}
                maker |= _numbers(cells, names)
    return dict(found)


def _numbers(cells: dict[str, str | None], names: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, name in names.items():
        text = cells.get(key)
        if text:
            number = to_number(text, ".")
            found[name] = text if number is None else number
    return found


def _register(
    serials: set[str], device_type: str, by: AbstractBaseUser | None, done: Taken
) -> None:
    there = set(_devices(serials))
    new = sorted(serials - there)
    if device_type and new:
        register_devices([{"serial": one, "device_type": device_type} for one in new], by=by)
        done.registered = len(new)


def _devices(serials: Any) -> dict[str, Device]:
    names = sorted(serials)
    found: dict[str, Device] = {}
    for first in range(0, len(names), PIECE):
        rows = Device.objects.filter(serial__in=names[first : first + PIECE])
        found |= {one.serial: one for one in rows}
    return found


def give_out() -> list[Table]:
    """All tables as they came, with the places where devices are built in by now."""
    tables = []
    for row in PartnerTable.objects.order_by("pk"):
        table = Table(row.name, row.columns, [list(one) for one in row.rows], row.definition)
        if table.name == SPEC:
            _with_places(table)
        tables.append(table)
    return tables


def _with_places(table: Table) -> None:
    at = table.place(SERIAL)
    if at is None:
        return
    serials = {(text_of(row[at]) or "").strip().upper() for row in table.rows}
    devices = _devices(serials)
    for row in table.rows:
        device = devices.get((text_of(row[at]) or "").strip().upper())
        if device is None:
            continue
        for key in PLACE:
            place = table.place(key)
            now = device.installed.get(key)
            if place is not None and now is not None and text_of(row[place]) != now:
                row[place] = cell_of(now, row[place])
