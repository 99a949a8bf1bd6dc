"""Bundles of a registered partner, written by hand: what is in them is what a test says."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from mppcqa.bundles.envelope import Writer, as_json
from mppcqa.bundles.models import Bundle, Installation, Key
from mppcqa.bundles.numbers import COLUMNS
from mppcqa.bundles.taking import arrive, take

BEGAN = "2026-01-02T03:04:05+00:00"
MIDDAY = "2026-06-01T12:00:00+00:00"
THERE, HERE = "Santiago", "Jefferson Lab"


def name_of(number: int) -> str:
    """A UUID that begins with a number, to be read in failures."""
    return str(UUID(int=(number << 96) | 0x70008000000000000001))


KIND = {
    "name": "S12045(X)", "maker": "Hamamatsu", "rows": 4, "columns": 4, "channel_order": [],
    "nominal_breakdown_v": 70.0, "serial_pattern": "", "serial_check": "", "serial_next": "",
    "description": "",
}  # fmt: skip


@dataclass
class Partner:
    """Another installation whose key is registered here."""

    folder: Path
    name: str = THERE
    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    def __post_init__(self) -> None:
        self.row = Installation.objects.create(name=self.name)
        public = self.key.public_key().public_bytes_raw().hex()
        Key.objects.create(installation=self.row, public=public)
        self.uuid = str(self.row.uuid)
        self._numbers = count(1)

    def device(self, number: int, **facts: Any) -> dict[str, Any]:
        """A device as the partner tells of it."""
        return {
            "uuid": name_of(number), "known_as": [], "origin": self.uuid,
            "serial": f"GX-{number:03d}", "former": [], "type": KIND["name"], "lot": None,
            "tray": None, "tray_row": None, "tray_column": None, "location": None, "owner": None,
            "parent": None, "maker_serial": "", "maker_values": {}, "installed": {}, "tags": [],
            "registered_at": BEGAN,
        } | facts  # fmt: skip

    def shipment(self, number: int, devices: list[int], **facts: Any) -> dict[str, Any]:
        """A box on its way here."""
        return {
            "uuid": name_of(0x5000 + number), "origin_installation": self.uuid, "origin": THERE,
            "destination": HERE, "reference": "", "note": "", "packed_at": BEGAN, "sent_at": BEGAN,
            "received_at": None, "devices": [name_of(one) for one in devices], "missing": [],
            "differences": [],
        } | facts  # fmt: skip

    def measured(
        self, analysis: int, values: dict[int, list[float]], **facts: Any
    ) -> dict[str, Any]:
        """Results of one analysis: breakdown voltages [V] by device, a channel each."""
        content = f"{analysis:064x}"
        return {
            "stages": {"pde": "PDE"},
            "quantities": [{"stage": "pde", "key": "breakdown_voltage_v",
                            "title": "Breakdown voltage", "symbol": "", "unit": "V"}],
            "conditions": [""],
            "runs": [],
            "files": [{"sha256": content, "size": 3, "name": "a.root", "kind": "run", "run": None,
                       "added_at": BEGAN, "entry": None}],
            "analyses": [{
                "uuid": name_of(0xA000 + analysis), "origin": self.uuid, "file": content,
                "stage": "pde", "version": "1", "code_version": "1", "parameters": {},
                "methods": {}, "problems": [], "shared": {}, "made_at": MIDDAY, "facts": {},
                "devices": [name_of(one) for one in values],
            }],
            "counting": [[name_of(one), "pde", name_of(0xA000 + analysis)] for one in values],
        } | facts  # fmt: skip

    def arrives(
        self,
        devices: list[dict[str, Any]],
        *,
        number: int | None = None,
        values: dict[int, list[float]] | None = None,
        results: dict[str, Any] | None = None,
        verdicts: dict[str, Any] | None = None,
        rows: list[tuple[Any, ...]] | None = None,
        **inventory: Any,
    ) -> Bundle:
        """A bundle that came and is checked; `rows` are other values than `values` makes."""
        number = number or next(self._numbers)
        writer = Writer(self.folder / f"{self.name}-{number}")
        documents = {
            "inventory": {
                "institutes": [{"name": one, "address": ""} for one in (THERE, HERE)],
                "makers": ["Hamamatsu"], "types": [KIND], "lots": [], "trays": [],
                "devices": devices, "shipments": [],
            } | inventory,
            "results": results or {"stages": {}, "quantities": [], "conditions": [], "runs": [],
                                   "files": [], "analyses": [], "counting": []},
            "verdicts": verdicts or {"limits": [], "verdicts": []},
        }  # fmt: skip
        for name, document in documents.items():
            writer.add_bytes(f"{name}.json", as_json(document))
        writer.add_bytes("values.parquet", _values(devices, values or {}, rows))
        writer.finish(
            {
                "bundle": name_of(0xB000 + number), "number": number, "installations": {},
                "sender": {"installation": self.uuid, "name": self.name}, "made_at": MIDDAY,
                "mppcqa": "0.1", "shipment": name_of(0x5001), "counts": {},
            },
            self.key,
        )  # fmt: skip
        with writer.path.open("rb") as file:
            return arrive(file)

    def sends(self, devices: list[dict[str, Any]], **how: Any) -> dict[str, Any]:
        """The same, taken in: what was said of it."""
        return take(self.arrives(devices, **how))


def _values(
    devices: list[dict[str, Any]],
    values: dict[int, list[float]],
    rows: list[tuple[Any, ...]] | None,
) -> bytes:
    """``values.parquet``: by device the values of its channels, of the first analysis."""
    places = {one["uuid"]: place for place, one in enumerate(devices)}
    if rows is None:
        rows = [
            (0, places[name_of(device)], 0, channel, 0, value, 0.01, 0.0, 0)
            for device, of in values.items()
            for channel, value in enumerate(of)
        ]
    columns = zip(*rows, strict=True) if rows else [()] * len(COLUMNS)
    table = pa.table(
        [pa.array(cells, one.type) for cells, one in zip(columns, COLUMNS, strict=True)],
        schema=COLUMNS,
    )
    target = io.BytesIO()
    pq.write_table(table, target)
    return target.getvalue()
