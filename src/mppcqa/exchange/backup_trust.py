"""Whether a backup is one of ours, and whether the database that it holds was tampered with.

The manifest names every part with its checksum, and a key that lies outside of the database signs
it: who changes a part, or writes all of it anew, can't sign. What the database says in it is held
against itself before anything is restored: the audit's chain link by link and against the anchors
that were outside of the database, and every measured value against the hash that was kept when it
was written. Whether files are those that their rows name is seen when a backup is made.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from django.conf import settings

from mppcqa.audit import anchors
from mppcqa.audit.chain import follow
from mppcqa.audit.models import Entry
from mppcqa.exchange.rotation import MANIFEST
from mppcqa.keyfile import fingerprint, is_fingerprint, is_signed, make_key, public_of, read_key
from mppcqa.results.bulk_values import LAYOUT, MeasurementColumns
from mppcqa.results.seals import fault_of

SIGNATURE = f"{MANIFEST}.signature"
SIGNED = b"mppcqa backup, SHA-256 of its manifest: "
MEASUREMENT, SEALS = "results_measurement", "results_valuesseal"
ROWS = 100_000


def key_path() -> Path:
    """Where the private key of this installation's backups lies; it is in no backup."""
    return Path(settings.MPPCQA_HOME) / "keys" / "backups"


def our_fingerprint() -> str:
    """Of the key that signs backups here, made at its first use: what people write down."""
    if not key_path().is_file():
        make_key(key_path())
    return fingerprint(public_of(read_key(key_path())))


def sign(backup: Path, manifest: str) -> None:
    """Put the signature beside a manifest."""
    our_fingerprint()
    key = read_key(key_path())
    signature = key.sign(SIGNED + hashlib.sha256(manifest.encode()).digest())
    told = {"key": public_of(key), "signature": signature.hex()}
    (backup / SIGNATURE).write_text(json.dumps(told) + "\n")


def signature_fault(backup: Path, signer: str = "") -> str:
    """Why the signature of a backup does not count; empty where it does.

    It must be of the key that lies here, or of the one whose fingerprint `signer` is.
    """
    path = backup / SIGNATURE
    if not path.is_file():
        return "the backup is not signed: it is of an older version, or somebody took that away"
    try:
        told = json.loads(path.read_text())
        public, signature = str(told["key"]), bytes.fromhex(told["signature"])
        digest = hashlib.sha256((backup / MANIFEST).read_bytes()).digest()
        known_as = fingerprint(public)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{SIGNATURE} can't be read: {error}"
    if not is_signed(public, signature, SIGNED + digest):
        return f"the signature is not of this {MANIFEST}: it was changed"
    if signer:
        return "" if is_fingerprint(signer, public) else f"another key signed it: {known_as}"
    if not key_path().is_file():
        return (
            f"it was signed by {known_as}, and this computer has no key. If that is what was "
            "written down where it was made, say so with --signed-by"
        )
    ours = our_fingerprint()
    return "" if ours == known_as else f"it was signed by {known_as}, and the key here is {ours}"


def noted_anchors() -> list[dict[str, Any]]:
    """The anchors of this computer that count, which who has the database alone can't change."""
    found, _notes = anchors.wanted()
    rows = {(one.entry, one.day, one.hash) for some in found.values() for one in some}
    return [{"entry": entry, "day": day, "hash": text} for entry, day, text in sorted(rows)]


def inner_faults(backup: Path, manifest: dict[str, Any]) -> list[str]:
    """What a whole backup says that can't be so; it must be whole, or reading ends in an error."""
    return [*_chain(backup, manifest), *_values(backup, manifest)]


def _table(backup: Path, name: str) -> Path:
    return backup / "tables" / f"{name}.parquet"


def _chain(backup: Path, manifest: dict[str, Any]) -> Iterator[str]:
    if Entry._meta.db_table not in manifest["tables"]:
        return
    wanted: dict[int, list[anchors.Anchor]] = defaultdict(list)
    for one in manifest.get("anchors", []):
        path = Path(anchors.FILE)
        wanted[one["entry"]].append(anchors.Anchor(one["day"], one["entry"], one["hash"], path))
    found = follow(_entries(_table(backup, Entry._meta.db_table)), wanted)
    for text in (found.broken, *found.faults):
        if text:
            yield f"audit: {text}"


def _entries(path: Path) -> Iterator[list[Entry]]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS):
            yield [Entry(**row) for row in batch.to_pylist()]


def _values(backup: Path, manifest: dict[str, Any]) -> Iterator[str]:
    """Measured values that are not those that were written. Holds the values of one analysis."""
    if not {MEASUREMENT, SEALS} <= manifest["tables"].keys():
        return
    seals: dict[int, list[tuple[int, int, int, str]]] = defaultdict(list)
    for row in pq.read_table(_table(backup, SEALS)).to_pylist():
        seal = (row["first_device"], row["id"], row["values"], row["sha256"])
        seals[row["analysis_id"]].append(seal)
    for analysis, blocks in _analyses(_table(backup, MEASUREMENT)):
        # Values of before there were seals have none.
        if wanted := seals.pop(analysis, None):
            text = fault_of(blocks, [seal[2:] for seal in sorted(wanted)])
            if text:
                yield f"analysis {analysis}: {text}"
    for analysis, left in sorted(seals.items()):
        if text := fault_of([], [seal[2:] for seal in sorted(left)]):
            yield f"analysis {analysis}: {text}"


def _analyses(path: Path) -> Iterator[tuple[int, list[MeasurementColumns]]]:
    """Each analysis with its values; the table lies in the order of analyses."""
    number, blocks = -1, list[MeasurementColumns]()
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(ROWS):
            columns = _columns(batch)
            starts = np.flatnonzero(np.diff(columns.analysis, prepend=-1))
            for start, stop in zip(starts, [*starts[1:], len(columns)], strict=True):
                analysis = int(columns.analysis[start])
                if analysis != number:
                    if blocks:
                        yield number, blocks
                    number, blocks = analysis, []
                blocks.append(columns.take(np.arange(start, stop)))
    if blocks:
        yield number, blocks


def _columns(batch: pa.RecordBatch) -> MeasurementColumns:
    """Rows as a backup keeps them: NULL is NaN, and a bound of a value is NULL."""
    found: dict[str, Any] = {}
    for column in batch.schema.names:
        name = column.removesuffix("_id")
        kind = np.dtype(LAYOUT.get(name, "<i4"))
        cells = batch.column(column)
        empty = np.nan if kind.kind == "f" else 0
        found[name] = pc.fill_null(cells, empty).to_numpy(zero_copy_only=False).astype(kind)
    return MeasurementColumns(**found)
