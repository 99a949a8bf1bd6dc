"""A document a device, a line each: what `mppcqa.exchange.campaigns` sends to other databases."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from mppcqa.exchange.writers.base import Batches, ExportRefused, Writer

OF_VALUE = ("serial", "stage", "quantity", "unit", "channel", "value", "statistical",
            "systematic", "bound", "analysis", "analysis_uuid")  # fmt: skip


def write(path: Path, schema: pa.Schema, batches: Batches) -> None:
    """Values by device, stage and analysis; or, of a list of devices, what is known of each."""
    if "serial" not in schema.names:
        raise ExportRefused("a document is of a device: choose devices or values")
    of_values = {"stage", "quantity", "value"} <= set(schema.names)
    found = _of_values(batches) if of_values else _of_devices(batches)
    with path.open("w", encoding="utf-8") as file:
        for document in found:
            file.write(json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n")


def _of_devices(batches: Batches) -> Iterator[dict[str, Any]]:
    for row in _rows(batches):
        serial = row.pop("serial")
        facts = {key: value for key, value in row.items() if value not in (None, "")}
        yield {"serial": serial, "facts": facts, "tests": []}


def _of_values(batches: Batches) -> Iterator[dict[str, Any]]:
    """Values of a device follow one another."""
    serial, tests = "", dict[tuple[str, str], dict[str, Any]]()
    for row in _rows(batches):
        if row["serial"] != serial:
            if serial:
                yield {"serial": serial, "facts": {}, "tests": list(tests.values())}
            serial, tests = row["serial"], {}
        key = (row["stage"], str(row.get("analysis_uuid") or row.get("analysis") or ""))
        test = tests.setdefault(key, {"stage": key[0], "analysis": key[1], "results": []})
        at = {name: value for name, value in row.items()
              if name not in OF_VALUE and value is not None}  # fmt: skip
        channel = row.get("channel")
        test["results"].append({
            "quantity": row["quantity"], "unit": row.get("unit") or "",
            "channel": None if channel is None or channel < 0 else channel,
            "condition": at, "value": row["value"],
            "uncertainty": row.get("statistical"), "systematic": row.get("systematic"),
            **({"bound": row["bound"]} if row.get("bound") else {}),
        })  # fmt: skip
    if serial:
        yield {"serial": serial, "facts": {}, "tests": list(tests.values())}


def _rows(batches: Batches) -> Iterator[dict[str, Any]]:
    for batch in batches:
        for row in batch.to_pylist():
            yield {key: _plain(value) for key, value in row.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


WRITER = Writer(
    "documents", "Documents for other databases (JSON lines)", "jsonl", write,
    "application/x-ndjson", 60,
)  # fmt: skip
