"""Checked values on disk, between the preview and the import: nothing is read or checked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mppcqa.stages import Condition

SCHEMA = pa.schema(
    [
        ("device", pa.int32()),
        ("quantity", pa.int16()),
        ("channel", pa.int16()),
        ("condition", pa.int32()),
        ("value", pa.float64()),
        ("uncertainty", pa.float64()),
    ]
)
BLOCK = 400_000


class Spool:
    """An Arrow file of values, written once and read in blocks of whole devices."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        self._writer = pa.OSFile(str(self.path), "wb")
        self._file = pa.ipc.new_file(self._writer, SCHEMA)
        return self

    def __exit__(self, *_error: object) -> None:
        self._file.close()
        self._writer.close()

    def add(self, *columns: NDArray[Any]) -> None:
        """Columns in the order of the schema."""
        arrays = [
            pa.array(np.ascontiguousarray(column), field.type)
            for column, field in zip(columns, SCHEMA, strict=True)
        ]
        self._file.write_batch(pa.record_batch(arrays, schema=SCHEMA))

    def finish(self, quantities: list[str], conditions: list[Condition]) -> None:
        """Keep what the numbers mean beside them."""
        values = [[c.bias_v, c.overvoltage_v, c.temperature_c, c.light] for c in conditions]
        text = json.dumps({"quantities": quantities, "conditions": values})
        self.path.with_suffix(".json").write_text(text)

    def meaning(self) -> tuple[list[str], list[Condition]]:
        found = json.loads(self.path.with_suffix(".json").read_text())
        return found["quantities"], [Condition(*values) for values in found["conditions"]]

    def devices(self) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Ids of all devices, ascending, and how many values each has."""
        ids: NDArray[np.int32] = np.empty(0, np.int32)
        counts: NDArray[np.int64] = np.empty(0, np.int64)
        for batch in self._batches():
            new, n = np.unique(batch.column(0).to_numpy(), return_counts=True)
            joined, inverse = np.unique(np.concatenate((ids, new)), return_inverse=True)
            sums = np.zeros(len(joined), np.int64)
            np.add.at(sums, inverse, np.concatenate((counts, n)))
            ids, counts = joined, sums
        return ids, counts

    def blocks(self) -> Iterator[dict[str, NDArray[Any]]]:
        """All values, in blocks of whole devices of about `BLOCK` values."""
        ids, counts = self.devices()
        if not len(ids):
            return
        block_of = np.cumsum(counts) // BLOCK
        for block in np.unique(block_of):
            members = ids[block_of == block]
            low, high = members[0], members[-1]
            parts: list[list[NDArray[Any]]] = []
            for batch in self._batches():
                device = batch.column(0).to_numpy()
                if device.max() < low or device.min() > high:
                    continue
                mask = (device >= low) & (device <= high)
                parts.append([column.to_numpy()[mask] for column in batch.columns])
            joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
            yield dict(zip(SCHEMA.names, joined, strict=True))

    def _batches(self) -> Iterator[pa.RecordBatch]:
        with pa.memory_map(str(self.path)) as file:
            reader = pa.ipc.open_file(file)
            for number in range(reader.num_record_batches):
                yield reader.get_batch(number)
