"""What values belong to, read from the database at once: devices, what counts, runs, verdicts.

Small against the values, and read anew when somebody asks, so that a device that moved to another
lot, a verdict that turned, a tag or another analysis that counts change no file of the copy.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.db import connection
from django.db.models import Count, Max, Sum

from mppcqa.audit.since import Mark, is_entered, mark
from mppcqa.database.snapshot import one_moment
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits.models import Verdict
from mppcqa.results.models import Analysis, Standing
from mppcqa.runs.models import Run, RunFile

ENTERED = (Device, DeviceType, Device.tags.through, Verdict, Analysis, RunFile, Run)
"""Whose changes make another `Things`."""
BLOCK = 20_000
"""Rows that MariaDB gives as one text."""
WHOLE, TEXT = pa.int64(), pa.string()
Kinds = dict[str, pa.DataType]


@dataclass(frozen=True)
class Moment:
    """A moment, by which a later one is told from it without reading all again."""

    entered: Mark
    standing: tuple[Any, ...]
    """What counts is derived and not entered: how many rows, sums over what they name, the latest
    change."""

    def holds(self) -> bool:
        """Whether all is as it was then."""
        return self.entered.holds() and self.standing == _standing()


def _standing() -> tuple[Any, ...]:
    found = Standing.objects.aggregate(
        n=Count("pk"), analyses=Sum("analysis"), verdicts=Sum("verdict"), last=Max("changed_at")
    )
    return tuple(found.values())


@dataclass(frozen=True)
class Things:
    """Tables ``device``, ``tag``, ``standing`` and ``analysis`` of one moment."""

    tables: dict[str, pa.Table]
    moment: Moment | None


def read_things(*, marked: bool = False) -> Things:
    """All that values belong to, as it is now; with the moment, where it is to be `marked`."""
    with one_moment():
        tables = {name: _read(*what) for name, what in _questions().items()}
        return Things(tables, Moment(mark(ENTERED), _standing()) if marked else None)


def changes_are_told() -> bool:
    """Whether a `Moment` tells of each change, of raw SQL too."""
    return is_entered(ENTERED)


def read_verdicts(after: int = 0) -> pa.Table:
    """All verdicts with a number above `after`: ``id``, ``device``, ``stage``, ``outcome`` and
    ``judged``. They only ever become more."""
    columns = {
        "id": ("v.id", WHOLE),
        "device": ("v.device_id", WHOLE),
        "stage": ("v.stage", TEXT),
        "outcome": ("v.outcome", TEXT),
        "judged": (_seconds("v.judged_at"), WHOLE),
    }
    return _read(f"{Verdict._meta.db_table} v", "v.id", columns, f"WHERE v.id > {int(after)}")


def _questions() -> dict[str, tuple[str, str, dict[str, tuple[str, pa.DataType]]]]:
    """Name -> tables, the column that is numbered, and the columns."""
    device, kind = Device._meta.db_table, DeviceType._meta.db_table
    tags = Device.tags.through._meta.db_table
    analysis, file, run = (one._meta.db_table for one in (Analysis, RunFile, Run))
    standing, verdict = Standing._meta.db_table, Verdict._meta.db_table
    mark, measured = _mark("a.uuid"), _seconds("r.measured_at")
    wholes = ("lot", "tray", "location", "campaign", "owner")
    return {
        "device": (
            f"{device} d JOIN {kind} t ON t.id = d.device_type_id",
            "d.id",
            {
                "device": ("d.id", WHOLE),
                "type": ("d.device_type_id", WHOLE),
                "maker": ("t.maker_id", WHOLE),
                **{name: (f"d.{name}_id", WHOLE) for name in wholes},
                "tray_row": ("d.tray_row", WHOLE),
                "tray_column": ("d.tray_column", WHOLE),
            },
        ),
        "tag": (
            f"{tags} t",
            "t.id",
            {"device": ("t.device_id", WHOLE), "tag": ("t.tag_id", WHOLE)},
        ),
        "standing": (
            f"{standing} s LEFT JOIN {verdict} v ON v.id = s.verdict_id",
            "s.id",
            {
                "device": ("s.device_id", WHOLE),
                "stage": ("s.stage", TEXT),
                "analysis": ("s.analysis_id", WHOLE),
                "outcome": ("s.outcome", TEXT),
                "judged": (_seconds("v.judged_at"), WHOLE),
            },
        ),
        "analysis": (
            f"{analysis} a JOIN {file} f ON f.id = a.run_file_id LEFT JOIN {run} r "
            "ON r.id = f.run_id",
            "a.id",
            {
                "analysis": ("a.id", WHOLE),
                "size": (f"a.{connection.ops.quote_name('values')}", WHOLE),
                "mark": (mark, TEXT),
                "run": ("r.id", WHOLE),
                "station": ("r.station_id", WHOLE),
                "operator": ("r.operator_id", WHOLE),
                "measured": (measured, WHOLE),
            },
        ),
    }


def _mark(column: str) -> str:
    """The random end of a UUID, however the database keeps one."""
    if connection.vendor == "sqlite":
        return f"substr({column}, -12)"
    return f"RIGHT(CAST({column} AS CHAR), 12)"


def mark_of(uuid: UUID) -> str:
    """The same of a UUID at hand."""
    return uuid.hex[-12:]


def _seconds(column: str) -> str:
    """A moment as whole seconds since 1970 (UTC)."""
    if connection.vendor == "sqlite":
        return f"CAST(strftime('%%s', {column}) AS INTEGER)"
    return f"TIMESTAMPDIFF(SECOND, '1970-01-01', {column})"


def _read(
    source: str, number: str, columns: dict[str, tuple[str, pa.DataType]], where: str = ""
) -> pa.Table:
    kinds = {name: kind for name, (_sql, kind) in columns.items()}
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            asked = ", ".join(sql for sql, _kind in columns.values())
            cursor.execute(f"SELECT {asked} FROM {source} {where}", ())
            rows = cursor.fetchall()
            cells = list(zip(*rows, strict=True)) or [()] * len(kinds)
            return pa.table(
                {
                    name: pa.array(cell, kind)
                    for (name, kind), cell in zip(kinds.items(), cells, strict=True)
                }
            )
        # PyMySQL takes rows apart in Python; a text of many rows is parsed by Arrow.
        asked = ", ',', ".join(f"IFNULL({sql}, '')" for sql, _kind in columns.values())
        cursor.execute(
            f"SELECT GROUP_CONCAT(CONCAT({asked}) SEPARATOR '\\n') "
            f"FROM {source} {where} GROUP BY {number} DIV {BLOCK}"
        )
        return _parsed([row[0] for row in cursor.fetchall()], kinds)


def _parsed(texts: list[Any], kinds: Kinds) -> pa.Table:
    if not texts:
        return pa.table({name: pa.array([], kind) for name, kind in kinds.items()})
    parts = [text if isinstance(text, bytes) else text.encode() for text in texts]
    return arrow_csv.read_csv(
        io.BytesIO(b"\n".join(parts)),
        arrow_csv.ReadOptions(column_names=list(kinds)),
        convert_options=arrow_csv.ConvertOptions(column_types=kinds, strings_can_be_null=False),
    )
