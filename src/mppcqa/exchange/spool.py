"""Checked values on disk, between the preview and the import: nothing is read or checked twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from mppcqa.disk import measure_file, whole_file
from mppcqa.stages import Condition

SCHEMA = pa.schema(
    [
        ("device", pa.int32()),
        ("quantity", pa.int16()),
        ("channel", pa.int16()),
        ("condition", pa.int32()),
        ("value", pa.float64()),
        ("statistical", pa.float64()),
        ("systematic", pa.float64()),
        ("bound", pa.int8()),
    ]
)
BLOCK = 400_000


class Spool:
    """An Arrow file of values, written once and read in blocks of whole devices."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Self:
        self._whole = whole_file(self.path)
        part = self._whole.__enter__()
        self._writer = pa.OSFile(str(part), "wb")
        self._file = pa.ipc.new_file(self._writer, SCHEMA)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        self._writer.close()
        self._whole.__exit__(kind, error, trace)

    def add(self, *columns: NDArray[Any]) -> None:
        """Columns in the order of the schema."""
        arrays = [
            pa.array(np.ascontiguousarray(column), field.type)
            for column, field in zip(columns, SCHEMA, strict=True)
        ]
        self._file.write_batch(pa.record_batch(arrays, schema=SCHEMA))

    def finish(self, quantities: list[str], conditions: list[Condition]) -> str:
        """Keep what the numbers mean beside them; returns what both are known by."""
        texts = [condition.text for condition in conditions]
        numbers = measure_file(self.path).sha256
        found = {"quantities": quantities, "conditions": texts, "numbers": numbers}
        with whole_file(self._meaning) as part:
            part.write_text(json.dumps(found))
        return measure_file(self._meaning).sha256

    def is_whole(self, known_by: str) -> bool:
        """Whether numbers and meaning are those that `finish` has named."""
        try:
            if measure_file(self._meaning).sha256 != known_by:
                return False
            numbers = json.loads(self._meaning.read_text())["numbers"]
            return bool(measure_file(self.path).sha256 == numbers)
        except FileNotFoundError:
            return False

    def remove(self) -> None:
        """What was imported is not needed any more."""
        self.path.unlink(missing_ok=True)
        self._meaning.unlink(missing_ok=True)

    @property
    def _meaning(self) -> Path:
        return self.path.with_suffix(".json")

    def meaning(self) -> tuple[list[str], list[Condition]]:
        found = json.loads(self._meaning.read_text())
        return found["quantities"], [Condition.of_text(text) for text in found["conditions"]]

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
