"""Records of the fits behind the values that count, a line a fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from mppcqa.inventory.scope import Viewer
from mppcqa.results.fits import FitRecord, records_of
from mppcqa.results.models import FitRecords
from mppcqa.results.references import stored_axes
from mppcqa.results.selection import chosen_devices

PIECE = 200


def fit_schema() -> pa.Schema:
    """Columns of exported records, with one for each axis that there are conditions of."""
    texts, numbers = pa.string(), pa.float64()
    return pa.schema(
        [
            ("serial", texts),
            ("stage", texts),
            ("channel", pa.int16()),
            *((key, numbers) for key in stored_axes()),
            *((name, numbers) for name in ("chi2", "ndf", "p_value", "events", "left_out")),
            *((name, texts) for name in ("free", "seen", "second_ways", "fault")),
            ("analysis", pa.int32()),
            ("analysis_uuid", texts),
        ]
    )


def fit_batches(filters: Mapping[str, str], viewer: Viewer) -> Iterator[pa.RecordBatch]:
    """Records of the analyses that count, of chosen devices; of one ``stage`` where it is given."""
    schema, last = fit_schema(), 0
    while True:
        rows = chosen_devices(filters, viewer).filter(pk__gt=last).order_by("pk")
        devices = dict(rows.values_list("pk", "serial")[:PIECE])
        if not devices:
            return
        last = max(devices)
        found = FitRecords.objects.visible_to(viewer).filter(
            device__in=list(devices), analysis__counts=True
        )
        if stage := filters.get("stage"):
            found = found.filter(analysis__stage=stage)
        lines = [
            _line(row, one, devices[row.device_id])
            for row in found.select_related("analysis").order_by("device", "analysis")
            for one in records_of(row)
        ]
        if lines:
            yield pa.RecordBatch.from_pylist(lines, schema)


def _line(row: FitRecords, one: FitRecord, serial: str) -> dict[str, Any]:
    ways = (
        f"{name}: {value} ± {error}, {other} ± {other_error}"
        for name, (value, error, other, other_error) in one.second_ways.items()
    )
    return {
        "serial": serial,
        "stage": row.analysis.stage,
        "channel": one.channel,
        **one.at,
        "chi2": one.chi2,
        "ndf": one.ndf,
        "p_value": one.p_value,
        "events": one.events,
        "left_out": one.left_out,
        "free": ", ".join(one.free),
        "seen": ", ".join(one.seen),
        "second_ways": "; ".join(ways),
        "fault": one.fault,
        "analysis": row.analysis_id,
        "analysis_uuid": str(row.analysis.uuid),
    }
