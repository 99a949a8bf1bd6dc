"""Lists as a stream of record batches: devices, runs, measured values, what was done."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pyarrow as pa
from django.db.models import Count, Min

from mppcqa.exchange import assembly
from mppcqa.exchange.fits_out import fit_batches, fit_schema
from mppcqa.exchange.records import record_batches, record_schema
from mppcqa.exchange.values_out import value_batches, value_schema
from mppcqa.inventory.device_fields import DEVICE_FIELDS, REFERENCES
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.inventory.scope import Viewer
from mppcqa.results.models import Standing
from mppcqa.results.selection import chosen_devices, chosen_runs
from mppcqa.runs.models import Run
from mppcqa.runs.seats import shown_states
from mppcqa.stages import all_stages
from mppcqa.tables.numbers import EXACT

LISTS = ("devices", "runs", "values", "fits", "records", "assembly")
PIECE = 2000
KEYS_FROM = 5000
"""Devices whose maker's values become columns; other names go into one column as JSON."""


def list_schema(what: str, filters: Mapping[str, str], viewer: Viewer) -> pa.Schema:
    """Columns of a list."""
    if what == "values":
        return value_schema()
    if what == "fits":
        return fit_schema()
    if what == "runs":
        return RUN_SCHEMA
    if what == "records":
        return record_schema()
    if what == "assembly":
        return assembly.SCHEMA
    return _device_schema(filters, viewer)[0]


def list_batches(what: str, filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    """All rows of a list, some thousand at a time, in the order of the key."""
    if what == "values":
        yield from value_batches(filters, viewer)
    elif what == "fits":
        yield from fit_batches(filters, viewer)
    elif what == "runs":
        yield from _run_batches(filters, viewer)
    elif what == "records":
        yield from record_batches(filters, viewer)
    elif what == "assembly":
        yield from assembly.assembly_batches(filters, viewer)
    else:
        yield from _device_batches(filters, viewer)


DEVICE_COLUMNS = (
    ("serial", "serial", pa.string()),
    ("device_type", "device_type", pa.string()),
    ("maker", "device_type", pa.string()),
    ("lot", "lot__name", pa.string()),
    ("tray", "tray__name", pa.string()),
    ("tray_row", "tray_row", pa.int32()),
    ("tray_column", "tray_column", pa.int32()),
    ("location", "location__name", pa.string()),
    ("parent", "parent__serial", pa.string()),
    *((one.key, one.key, pa.string()) for one in DEVICE_FIELDS),
    ("registered_at", "registered_at", pa.timestamp("s", "UTC")),
    ("state", "state", pa.string()),
    ("uuid", "uuid", pa.string()),
)
TAGS = "tags"
OTHERS = "other_maker_values"


@dataclass(frozen=True)
class _MakerColumns:
    """Maker's values that have columns: those that are all numbers, and texts."""

    kinds: dict[str, pa.DataType]

    @classmethod
    def of(cls, filters: Mapping[str, str], viewer: Viewer) -> _MakerColumns:
        """Columns of what the first devices have."""
        numeric: dict[str, bool] = {}
        rows = chosen_devices(filters, viewer).order_by("pk").values_list("maker_values", flat=True)
        for values in rows[:KEYS_FROM].iterator(PIECE):
            for key, value in (values or {}).items():
                numeric[key] = numeric.get(key, True) and _is_number(value)
        own = {name for name, _path, _kind in DEVICE_COLUMNS} | {TAGS, OTHERS}
        own |= {_verdict_name(stage.key) for stage in all_stages()}
        return cls(
            {
                key: pa.float64() if is_number else pa.string()
                for key, is_number in numeric.items()
                if key not in own
            }
        )

    def holds(self, key: str, value: Any) -> bool:
        """Whether a value goes into its column; else it is one of the others."""
        kind = self.kinds.get(key)
        return kind is not None and (kind == pa.string() or _is_number(value))

    def cell(self, key: str, values: dict[str, Any] | None) -> float | str | None:
        value = (values or {}).get(key)
        if value is None or not self.holds(key, value):
            return None
        return float(value) if self.kinds[key] == pa.float64() else str(value)

    def others(self, values: dict[str, Any] | None) -> str | None:
        rest = {key: one for key, one in (values or {}).items() if not self.holds(key, one)}
        return json.dumps(rest, ensure_ascii=False) if rest else None


def _is_number(value: Any) -> bool:
    """Whether a column of floats holds it as it is: a long number of a wafer stays a text."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return isinstance(value, float) or abs(value) <= EXACT


def _verdict_name(stage: str) -> str:
    return f"verdict_{stage}"


def _device_schema(filters: Mapping[str, str], viewer: Viewer) -> tuple[pa.Schema, _MakerColumns]:
    maker = _MakerColumns.of(filters, viewer)
    columns = [pa.field(name, kind) for name, _path, kind in DEVICE_COLUMNS]
    columns.append(pa.field(TAGS, pa.string()))
    columns += [pa.field(_verdict_name(stage.key), pa.string()) for stage in all_stages()]
    columns += [pa.field(name, kind) for name, kind in maker.kinds.items()]
    return pa.schema([*columns, pa.field(OTHERS, pa.string())]), maker


def _device_batches(filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    schema, maker = _device_schema(filters, viewer)
    names = [name for name, _path, _kind in DEVICE_COLUMNS]
    paths = [path for _name, path, _kind in DEVICE_COLUMNS]
    stages = [stage.key for stage in all_stages()]
    referred = {one.key: one.titles() for one in REFERENCES}
    last = 0
    while True:
        rows = chosen_devices(filters, viewer).filter(pk__gt=last).order_by("pk")
        found = list(rows.values_list("pk", "maker_values", *paths)[:PIECE])
        if not found:
            return
        last = found[-1][0]
        outcomes: dict[tuple[int, str], str] = {
            (device, stage): outcome
            for device, stage, outcome in Standing.objects.filter(
                device__gte=found[0][0], device__lte=last
            ).values_list("device", "stage", "outcome")
        }
        tags: dict[int, list[str]] = defaultdict(list)
        for device, tag in Device.tags.through.objects.filter(
            device__gte=found[0][0], device__lte=last
        ).values_list("device", "tag__name"):
            tags[device].append(tag)
        columns: list[list[Any]] = [list(column) for column in zip(*found, strict=True)][2:]
        # Not joined: from the few types, MariaDB would go through all of their devices each time.
        types = DeviceType.objects.select_related("maker").in_bulk()
        kinds = [types[pk] for pk in columns[names.index("device_type")]]
        columns[names.index("device_type")] = [kind.name for kind in kinds]
        columns[names.index("maker")] = [kind.maker and kind.maker.name for kind in kinds]
        for key, titles in referred.items():
            columns[names.index(key)] = [titles.get(pk) for pk in columns[names.index(key)]]
        stored = dict(zip((row[0] for row in found), columns[names.index("state")], strict=True))
        columns[names.index("state")] = list(shown_states(stored).values())
        columns.append(["; ".join(sorted(tags[row[0]])) or None for row in found])
        columns += [[outcomes.get((row[0], stage)) for row in found] for stage in stages]
        columns += [[maker.cell(key, row[1]) for row in found] for key in maker.kinds]
        columns.append([maker.others(row[1]) for row in found])
        yield _batch(columns, schema)


RUN_COLUMNS = (
    ("run", "pk", pa.int64()),
    ("stage", "stage", pa.string()),
    ("station", "station__name", pa.string()),
    ("operator", "operator__username", pa.string()),
    ("created_at", "created_at", pa.timestamp("s", "UTC")),
    ("note", "note", pa.string()),
    ("parameters", "parameters", pa.string()),
    ("devices", "n_devices", pa.int64()),
    ("file_sha256", "sha256", pa.string()),
    ("uuid", "uuid", pa.string()),
)
RUN_SCHEMA = pa.schema([(name, kind) for name, _path, kind in RUN_COLUMNS])


def _run_batches(filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    paths = [path for _name, path, _kind in RUN_COLUMNS]
    last = 0
    while True:
        page = chosen_runs(filters, viewer).filter(pk__gt=last).order_by("pk").values("pk")[:PIECE]
        keys = [row["pk"] for row in page]
        if not keys:
            return
        last = keys[-1]
        rows = (
            Run.objects.filter(pk__in=keys)
            .annotate(n_devices=Count("slots", distinct=True), sha256=Min("files__sha256"))
            .order_by("pk")
            .values_list(*paths)
        )
        columns = [list(column) for column in zip(*rows, strict=True)]
        place = paths.index("parameters")
        columns[place] = [json.dumps(value, ensure_ascii=False) for value in columns[place]]
        yield _batch(columns, RUN_SCHEMA)


def _batch(columns: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = []
    for column, field in zip(columns, schema, strict=True):
        if pa.types.is_timestamp(field.type):
            column = [None if one is None else int(one.timestamp()) for one in column]
        column = [str(one) if isinstance(one, UUID) else one for one in column]
        arrays.append(pa.array(column, field.type))
    return pa.record_batch(arrays, schema=schema)


def about_how_many(what: str, filters: Mapping[str, str], viewer: Viewer, most: int) -> int:
    """Devices or runs of a list, counted no further than `most`."""
    rows: Any = chosen_runs(filters, viewer) if what == "runs" else chosen_devices(filters, viewer)
    return len(rows.order_by("pk").values_list("pk")[:most])
