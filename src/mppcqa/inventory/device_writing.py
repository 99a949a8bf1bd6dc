"""Plans of device tables as rows that the database takes at once, and their writing.

Reading and checking a table takes many times as long as writing it, and on SQLite whoever writes
keeps all others from it. So rows are made ready before the transaction, and can wait in a file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from mppcqa.inventory.assembly import remember, remember_named
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES, TEXTS
from mppcqa.inventory.device_rows import BATCH, Plan
from mppcqa.inventory.models import Device, DeviceType, Lot
from mppcqa.inventory.moving import Held
from mppcqa.inventory.states import Move

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

NEW = [field for field in Device._meta.concrete_fields if not field.primary_key]
GIVEN = [
    Device._meta.get_field(one)
    for one in (*("device_type", "location", "parent"), *(one.key for one in REFERENCES))
]
WRITTEN = [Device._meta.get_field(one.key) for one in TEXTS]
TOLD = (Move.RELOCATE, Move.PLACE, *(one.told_as for one in DEVICE_FIELDS if one.told_as))
MAKER_VALUES = Device._meta.get_field("maker_values")

LotKey = tuple[str, int | None]
"""Name and maker (its id) of a lot."""


@dataclass(frozen=True)
class Ready:
    """Rows of one piece of a table; `lots` and `changed_lots` are of those at the same place."""

    new: list[list[Any]]
    lots: list[LotKey | None]
    changed: list[list[Any]]
    changed_lots: list[LotKey | None]
    placed: list[tuple[int | None, int | None, int | None, int]]
    """Tray, row, column and device of those that are moved within trays."""
    moves: list[tuple[str, int, str]]
    """Moves, devices, and where these are moved to."""

    def to_line(self) -> str:
        """As one line of JSON; database drivers take its numbers, texts and None as they are."""
        return json.dumps([getattr(self, one.name) for one in fields(self)])

    @classmethod
    def from_line(cls, line: str) -> Ready:
        """What `to_line` made a line of."""
        new, lots, changed, changed_lots, placed, moves = json.loads(line)
        return cls(
            new,
            [None if key is None else tuple(key) for key in lots],
            changed,
            [None if key is None else tuple(key) for key in changed_lots],
            [tuple(one) for one in placed],
            [tuple(one) for one in moves],
        )


def make_ready(plan: Plan) -> Ready:
    """What a plan does, as numbers and texts."""
    return Ready(
        new=[[_cell(field, getattr(one, field.attname)) for field in NEW] for one in plan.new],
        lots=_lot_keys(plan.lots, len(plan.new)),
        changed=[_changed(device) for device in plan.changed],
        changed_lots=_lot_keys(plan.changed_lots, len(plan.changed)),
        placed=[
            (one.tray_id, one.tray_row, one.tray_column, one.pk)
            for one in plan.changed
            if one.given["placed"]  # type: ignore[attr-defined]
        ],
        moves=[
            (move.value, one.pk, why)
            for one in plan.changed
            for move, why in one.given["moves"].items()  # type: ignore[attr-defined]
        ],
    )


def write_ready(pieces: Iterable[Ready], *, by: AbstractBaseUser | None = None) -> None:
    """Register and change devices; the caller holds a transaction.

    Raises `django.db.IntegrityError` where a serial or a place in a tray was taken meanwhile, and
    `MoveRefused` where a device can no longer be moved. What the table did not give of a device
    stays as it is by now.
    """
    lots: dict[LotKey, int] = {}
    lot_at = next(at for at, field in enumerate(NEW) if field.name == "lot")
    names = ", ".join(_quoted(field) for field in NEW)
    insert = f"INSERT INTO {_table()} ({names}) VALUES ({', '.join(['%s'] * len(NEW))})"  # noqa: S608
    changing = [*GIVEN, *WRITTEN, MAKER_VALUES, Device._meta.get_field("lot")]
    sets = ", ".join(f"{_quoted(field)} = COALESCE(%s, {_quoted(field)})" for field in changing)
    change = f"UPDATE {_table()} SET {sets} WHERE id = %s"  # noqa: S608
    place = f"UPDATE {_table()} SET tray_id = %s, tray_row = %s, tray_column = %s WHERE id = %s"  # noqa: S608
    for piece in pieces:
        for row, key in zip(piece.new, piece.lots, strict=True):
            row[lot_at] = _lot(lots, key)
        _move(piece, by)
        # Devices that change places would meet on the way.
        moved = [pk for *_where, pk in piece.placed]
        for start in range(0, len(moved), BATCH):
            Device.objects.filter(pk__in=moved[start : start + BATCH]).update(tray_row=None)
        changed = [
            [*row[:-1], _lot(lots, key), row[-1]]
            for row, key in zip(piece.changed, piece.changed_lots, strict=True)
        ]
        with connection.cursor() as cursor:
            for statement, rows in ((insert, piece.new), (change, changed), (place, piece.placed)):
                if rows:
                    cursor.executemany(statement, rows)
        _remember_parents(piece, by)


def _remember_parents(piece: Ready, by: AbstractBaseUser | None) -> None:
    """What the table made parts of others is so from today on."""
    serial, parent = (
        next(at for at, field in enumerate(NEW) if field.name == name)
        for name in ("serial", "parent")
    )
    given = next(at for at, field in enumerate(GIVEN) if field.name == "parent")
    today = timezone.now().date()
    remember([row[-1] for row in piece.changed if row[given] is not None], since=today, by=by)
    new = [row[serial] for row in piece.new if row[parent] is not None]
    remember_named(new, since=today, by=by)


def _move(piece: Ready, by: AbstractBaseUser | None) -> None:
    if not piece.moves:
        return
    held = Held(device for _move, device, _why in piece.moves)
    for move in TOLD:
        where = {device: why for one, device, why in piece.moves if one == move}
        if where:
            held.move(move, where, by=by, why=where)


def _changed(device: Device) -> list[Any]:
    """What the table gave of a device, None for what stays, and last its id."""
    given: dict[str, Any] = device.given  # type: ignore[attr-defined]
    values = given["maker_values"]
    return [
        *(None if given[one.name] is None else given[one.name].pk for one in GIVEN),
        *(given[one.name] for one in WRITTEN),
        None if values is None else _cell(MAKER_VALUES, values),
        device.pk,
    ]


def _lot_keys(lots: dict[int, tuple[str, DeviceType]], n: int) -> list[LotKey | None]:
    return [(lots[at][0], lots[at][1].maker_id) if at in lots else None for at in range(n)]


def _lot(known: dict[LotKey, int], key: LotKey | None) -> int | None:
    if key is None:
        return None
    if key not in known:
        wanted: dict[str, Any] = dict(zip(("name", "maker_id"), key, strict=True))
        known[key] = Lot.objects.get_or_create(**wanted)[0].pk
    return known[key]


def _cell(field: Any, value: Any) -> Any:
    found = field.get_db_prep_save(value, connection)
    # MariaDB has a type of its own for these, and takes their text as well.
    return str(found) if isinstance(found, UUID) else found


def _quoted(field: Any) -> str:
    return connection.ops.quote_name(field.column)


def _table() -> str:
    return connection.ops.quote_name(Device._meta.db_table)
