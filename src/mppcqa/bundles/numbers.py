"""Runs, files, analyses and their values, out of the database into a bundle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mppcqa.bundles.models import CameFrom
from mppcqa.bundles.things import BATCH, Document, Things, batches, moment
from mppcqa.results.bulk_values import MeasurementColumns
from mppcqa.results.fits import unpacked
from mppcqa.results.models import Analysis, ConditionPoint, FitRecords, QuantityRow, Standing
from mppcqa.results.reading import read_values
from mppcqa.runs.calibrating import told_of
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import get_stage

COLUMNS = pa.schema(
    [
        ("analysis", pa.int32()),
        ("device", pa.int32()),
        ("quantity", pa.int16()),
        ("channel", pa.int16()),
        ("condition", pa.int32()),
        ("value", pa.float64()),
        ("statistical", pa.float64()),
        ("systematic", pa.float32()),
        ("bound", pa.int8()),
    ]
)
"""Of ``values.parquet``: the first three and the condition are places in the documents' lists."""
WITHOUT_BOUND = pa.schema(list(COLUMNS)[:-1])
"""What bundles of programs had that knew no limits."""


class Numbers:
    """The results of the devices of a bundle."""

    def __init__(self, things: Things) -> None:
        self.things = things
        self.analyses: dict[int, str] = {}
        """UUID by id, of those that have values or count."""
        self.values = 0

    def write_values(self, path: Path) -> Document:
        """``values.parquet``, a piece of devices at a time; returns ``results.json``."""
        used: dict[str, set[int]] = {name: set() for name in ("analysis", "quantity", "condition")}
        of_device: dict[int, set[int]] = defaultdict(set)
        counting = self._counting()
        used["analysis"] |= {analysis for _device, _stage, analysis in counting}
        for device, _stage, analysis in counting:
            of_device[analysis].add(device)
        for block in self._blocks():
            for name, ids in used.items():
                ids |= set(np.unique(getattr(block, name)).tolist())
            pairs = np.unique(block.analysis.astype("i8") << 32 | block.device.astype("i8"))
            for pair in pairs.tolist():
                of_device[pair >> 32].add(pair & 0xFFFFFFFF)
        found = self._analyses(sorted(used["analysis"]))
        self.analyses = {one.pk: str(one.uuid) for one in found}
        quantities = sorted(
            QuantityRow.objects.filter(pk__in=used["quantity"]),
            key=lambda one: (one.stage, one.key),
        )
        conditions: list[tuple[str, int]] = []
        for part in batches(sorted(used["condition"])):
            rows = ConditionPoint.objects.filter(pk__in=part)
            conditions += [(row.at.text, row.pk) for row in rows]
        conditions.sort()
        places = (
            _places([one.pk for one in found]),
            _places(self.things.ids),
            _places([one.pk for one in quantities]),
            _places([pk for _text, pk in conditions]),
        )
        with pq.ParquetWriter(path, COLUMNS, compression="zstd") as writer:
            for block in self._blocks():
                self.values += len(block)
                writer.write_table(_table(block, places))
        return {
            **self._runs(found, of_device),
            "quantities": [
                {name: getattr(one, name) for name in ("stage", "key", "title", "symbol", "unit")}
                for one in quantities
            ],
            "conditions": [text for text, _pk in conditions],
            "stages": {key: _title(key) for key in sorted({one.stage for one in found})},
            "counting": sorted(
                [self.things.uuids[device], stage, self.analyses[analysis]]
                for device, stage, analysis in counting
            ),
        }

    def _blocks(self) -> Iterator[MeasurementColumns]:
        for part in batches(self.things.ids):
            block = read_values(part)
            if len(block):
                yield block

    def _counting(self) -> list[tuple[int, str, int]]:
        rows: list[tuple[int, str, int]] = []
        for part in batches(self.things.ids):
            found = Standing.objects.filter(device__in=part)
            rows += found.values_list("device", "stage", "analysis")
        return rows

    def _analyses(self, ids: list[int]) -> list[Analysis]:
        rows: list[Analysis] = []
        for part in batches(ids):
            found = Analysis.objects.filter(pk__in=part)
            rows += found.select_related("run_file", "made_by", "task")
        return sorted(rows, key=lambda one: str(one.uuid))

    def _runs(self, analyses: list[Analysis], of_device: dict[int, set[int]]) -> Document:
        """Runs, files and analyses, as the document has them."""
        files = {one.run_file.pk: one.run_file for one in analyses}
        run_ids = sorted({one.run_id for one in files.values() if one.run_id is not None})
        runs: list[Run] = []
        slots: dict[int, list[list[Any]]] = defaultdict(list)
        for part in batches(run_ids):
            runs += Run.objects.filter(pk__in=part).select_related(
                "station", "operator", "procedure"
            )
            rows = RunSlot.objects.filter(run__in=part).order_by("slot")
            for run, slot, device in rows.values_list("run", "slot", "device"):
                if device in self.things.uuids:
                    slots[run].append([slot, self.things.uuids[device]])
        uuids = {one.pk: str(one.uuid) for one in runs}
        origins = self.things.origins
        of_run = origins.of(CameFrom.Kind.RUN, run_ids)
        told = told_of(run_ids)
        fits = self._fits([one.pk for one in analyses])
        of_analysis = origins.of(CameFrom.Kind.ANALYSIS, [one.pk for one in analyses])
        return {
            "runs": [
                {
                    "uuid": str(one.uuid),
                    "origin": of_run.get(one.pk, (origins.ours, {}))[0],
                    "stage": one.stage,
                    "parameters": one.parameters,
                    "note": one.note,
                    "created_at": moment(one.created_at),
                    "facts": of_run[one.pk][1]
                    if one.pk in of_run
                    else _run_facts(one, told[one.pk]),
                    "slots": slots[one.pk],
                }
                for one in sorted(runs, key=lambda one: str(one.uuid))
            ],
            "files": [
                {
                    "sha256": one.sha256,
                    "size": one.size,
                    "name": one.original_name,
                    "kind": one.kind,
                    "run": uuids.get(one.run_id or 0),
                    "added_at": moment(one.added_at),
                    "entry": None,
                }
                for one in sorted(files.values(), key=lambda one: one.sha256)
            ],
            "analyses": [
                {
                    "uuid": str(one.uuid),
                    "origin": of_analysis.get(one.pk, (origins.ours, {}))[0],
                    "file": one.run_file.sha256,
                    "stage": one.stage,
                    "version": one.version,
                    "code_version": one.code_version,
                    "parameters": one.parameters,
                    "methods": one.methods,
                    "problems": one.problems,
                    "shared": one.shared,
                    "made_at": moment(one.made_at),
                    "facts": of_analysis[one.pk][1]
                    if one.pk in of_analysis
                    else {"made_by": one.made_by.get_username() if one.made_by else ""},
                    "devices": sorted(self.things.uuids[device] for device in of_device[one.pk]),
                    "fits": fits.get(one.pk, {}),
                }
                for one in analyses
            ],
        }

    def _fits(self, analyses: list[int]) -> dict[int, dict[str, list[Document]]]:
        """Records of fits by analysis and the device's UUID."""
        found: dict[int, dict[str, list[Document]]] = defaultdict(dict)
        for part in batches(analyses):
            rows = FitRecords.objects.filter(analysis__in=part).order_by("analysis", "device")
            for row in rows:
                if row.device_id in self.things.uuids:
                    found[row.analysis_id][self.things.uuids[row.device_id]] = unpacked(row)
        return found

    def files(self, results: Document) -> list[RunFile]:
        """Rows of the files that the document names, and that lie in our store."""
        sums = [one["sha256"] for one in results["files"]]
        rows: list[RunFile] = []
        for start in range(0, len(sums), BATCH):
            found = RunFile.objects.filter(sha256__in=sums[start : start + BATCH])
            rows += found.exclude(file="")
        return sorted(rows, key=lambda one: one.sha256)


def _run_facts(run: Run, instruments: list[Document]) -> Document:
    return {
        "run": run.pk,
        "station": run.station.name if run.station else "",
        "operator": run.operator.get_username() if run.operator else "",
        "instruments": instruments,
        "procedure": run.procedure.version if run.procedure else None,
    }


def _title(stage: str) -> str:
    try:
        return str(get_stage(stage).title)
    except (KeyError, ValueError):
        return stage


Places = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]
"""Ids, sorted, and the place of each in its document."""


def _places(ids: list[int]) -> Places:
    known = np.array(ids, "i8")
    order = np.argsort(known)
    return known[order], order


def _table(block: MeasurementColumns, places: tuple[Places, Places, Places, Places]) -> pa.Table:
    """A block with places for ids, in their order: the same on every database."""
    ids: list[Any] = [block.analysis, block.device, block.quantity, block.condition]
    analysis, device, quantity, condition = (
        order[np.searchsorted(known, column)]
        for column, (known, order) in zip(ids, places, strict=True)
    )
    order = np.lexsort((condition, block.channel, quantity, device, analysis))
    cells = {
        "analysis": analysis,
        "device": device,
        "quantity": quantity,
        "channel": block.channel,
        "condition": condition,
        "value": block.value,
        "statistical": block.statistical,
        "systematic": block.systematic,
        "bound": block.bound,
    }
    return pa.table(
        [
            pa.array(cells[one.name][order], one.type, from_pandas=one.name == "statistical")
            for one in COLUMNS
        ],
        schema=COLUMNS,
    )
