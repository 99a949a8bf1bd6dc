"""Runs, files, analyses and values of a bundle into the database, beside what was measured here.

A value is never overwritten: what is here already is held against what the bundle has, and a
difference is told. What was measured here goes on to count; where nothing was, what counts for the
sender counts here too. All of it is judged by our limits as well.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from uuid import UUID

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from mppcqa.bundles.merge import Merge
from mppcqa.bundles.models import CameFrom
from mppcqa.bundles.numbers import COLUMNS, WITHOUT_BOUND
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.things import Document, batches
from mppcqa.limits.judging import judge
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.counting import count_analyses
from mppcqa.results.fits import new_records
from mppcqa.results.models import Analysis, FitRecords, QuantityRow, Standing
from mppcqa.results.reading import read_values
from mppcqa.results.references import condition_ids
from mppcqa.runs.belonging import keys_of
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Condition, get_stage
from mppcqa.store.keeping import Kept

MOST_ROWS = 200_000
"""Values that are held at once."""
NONE = -1


@dataclass(frozen=True)
class Places:
    """Our id at each place of a list of the documents; -1 for what is not taken."""

    analysis: NDArray[np.int64]
    device: NDArray[np.int64]
    quantity: NDArray[np.int64]
    condition: NDArray[np.int64]


class Results:
    """The results of one bundle; `kept` are its run files, in our store by now."""

    def __init__(self, merge: Merge, kept: Mapping[str, Kept]) -> None:
        self.merge, self.said, self.kept = merge, merge.said, kept
        self.told = merge.results
        self.analyses: dict[str, int] = {}
        """Our id by UUID, of those that are taken."""
        self.stage_of: dict[int, str] = {}
        self.is_ours: set[int] = set()
        self.fresh: dict[int, set[int]] = defaultdict(set)
        """Devices whose values came in now, by analysis."""

    def take(self, values: IO[bytes]) -> None:
        """`values` is the open Parquet file."""
        self._unknown_stages()
        self._take_runs()
        self._take_files()
        self._take_analyses()
        self._take_values(values)
        if not self.merge.dry:
            self._count()

    def _unknown_stages(self) -> None:
        self.stages = {}
        for key, title in self.told["stages"].items():
            try:
                self.stages[key] = get_stage(key)
            except (KeyError, ValueError):
                line = _(
                    "the stage %(title)s (%(key)s) is not installed here: its values are kept, but "
                    "neither shown nor judged; install it and take the bundle in again"
                )
                self.said.tell("analyses", "unknown", line % {"title": title, "key": key})

    def _take_runs(self) -> None:
        told = {one["uuid"]: one for one in self.told["runs"]}
        self.runs = _ids(Run, told)
        self.said.count("runs", "same", len(self.runs))
        new = [
            one for uuid, one in told.items() if uuid not in self.runs and self._may(one, "runs")
        ]
        for one in new:
            devices = [self.merge.devices[d] for _s, d in one["slots"] if d in self.merge.devices]
            row = Run.objects.create(
                uuid=UUID(one["uuid"]),
                stage=one["stage"],
                parameters=one["parameters"],
                note=one["note"],
                created_at=_at(one["created_at"]),
                **keys_of(devices),
            )
            self.runs[one["uuid"]] = row.pk
            self.merge.came(CameFrom.Kind.RUN, row.pk, one["origin"], one["facts"]).save()
        self.said.count("runs", "new", len(new))
        there = set[tuple[int, int]]()
        for part in batches(sorted(self.runs.values())):
            there |= set(RunSlot.objects.filter(run__in=part).values_list("run", "device"))
        slots = [
            RunSlot(run_id=self.runs[uuid], slot=slot, device_id=self.merge.devices[device])
            for uuid, one in told.items()
            for slot, device in one["slots"]
            if uuid in self.runs and device in self.merge.devices
            and (self.runs[uuid], self.merge.devices[device]) not in there
        ]  # fmt: skip
        RunSlot.objects.bulk_create(slots, batch_size=500, ignore_conflicts=True)

    def _may(self, one: Document, thing: str) -> bool:
        """Whether what is not here may be made: nobody else says what was measured here."""
        if one["origin"] != self.merge.ours:
            return True
        line = _(
            "a run or analysis of %s is said to be of this installation, which does not know it; "
            "if this database was restored, restore a later backup, then take the bundle in again"
        )
        day = one.get("made_at") or one.get("created_at") or ""
        self.said.tell(thing, "left_out", line % day[:10])
        return False

    def _take_files(self) -> None:
        told = {one["sha256"]: one for one in self.told["files"]}
        rows: dict[str, RunFile] = {}
        for part in batches(sorted(told)):
            rows |= {one.sha256: one for one in RunFile.objects.filter(sha256__in=part)}
        for sha256, one in told.items():
            row, kept = rows.get(sha256), self.kept.get(sha256)
            if row is None:
                if one["run"] is not None and one["run"] not in self.runs:
                    continue
                rows[sha256] = RunFile.objects.create(
                    sha256=sha256,
                    file=kept.name if kept else "",
                    size=one["size"],
                    original_name=one["name"],
                    kind=one["kind"],
                    run_id=self.runs[one["run"]] if one["run"] else None,
                    added_at=_at(one["added_at"]),
                )
                self.said.count("files", "new")
            elif kept is not None and not row.file:
                row.file.name = kept.name
                row.save(update_fields=["file"])
                self.said.count("files", "more")
            else:
                self.said.count("files", "same")
        self.files = {sha256: row.pk for sha256, row in rows.items()}

    def _take_analyses(self) -> None:
        told = {one["uuid"]: one for one in self.told["analyses"]}
        there = _ids(Analysis, told)
        origins = CameFrom.objects.filter(kind=CameFrom.Kind.ANALYSIS)
        foreign = set[int]()
        for part in batches(sorted(there.values())):
            rows = origins.filter(number__in=part, installation__is_ours=False)
            foreign |= set(rows.values_list("number", flat=True))
        self.is_ours = set(there.values()) - foreign
        new, origin = [], []
        for uuid, one in told.items():
            if uuid in there or one["file"] not in self.files or not self._may(one, "analyses"):
                continue
            row = Analysis(
                uuid=UUID(uuid),
                run_file_id=self.files[one["file"]],
                stage=one["stage"],
                version=one["version"],
                code_version=one["code_version"],
                parameters=one["parameters"],
                methods=one["methods"],
                problems=one["problems"],
                shared=one["shared"],
                made_at=_at(one["made_at"]),
                counts=False,
            )
            new.append((one, row))
        Analysis.objects.bulk_create([row for _one, row in new], batch_size=500)
        FitRecords.objects.bulk_create(
            [
                new_records(row, self.merge.devices[device], _at_conditions(rows))
                for one, row in new
                for device, rows in one.get("fits", {}).items()
                if rows and device in self.merge.devices
            ],
            batch_size=500,
        )
        for one, row in new:
            there[one["uuid"]] = row.pk
            origin.append(
                self.merge.came(CameFrom.Kind.ANALYSIS, row.pk, one["origin"], one["facts"])
            )
        CameFrom.objects.bulk_create(origin, batch_size=500)
        self.said.count("analyses", "new", len(new))
        self.said.count("analyses", "same", len(told) - len(new))
        self.analyses = there
        self.stage_of = {pk: told[uuid]["stage"] for uuid, pk in there.items()}

    def _places(self) -> Places:
        quantities = []
        for one in self.told["quantities"]:
            declared = {q.key: q for q in getattr(self.stages.get(one["stage"]), "quantities", ())}
            known = declared.get(one["key"])
            names = ("title", "symbol", "unit")
            # What a stage here declares is called as it is here, whoever measured it first.
            defaults = {name: getattr(known, name, one[name]) for name in names}
            row, _made = QuantityRow.objects.get_or_create(
                stage=one["stage"], key=one["key"], defaults=defaults
            )
            values = {"key": f"{one['stage']}.{one['key']}", "there": one["unit"]}
            here = [row.unit] if known is None else [row.unit, known.unit]
            if others := [unit for unit in here if unit != one["unit"]]:
                line = _("%(key)s is in %(there)s there and in %(here)s here: it is left out")
                self.said.tell("values", "left_out", line % {**values, "here": others[0]})
                quantities.append(NONE)
                continue
            if known is None and one["stage"] in self.stages:
                line = _("the quantity %(key)s is not known here: its values are kept, not shown")
                self.said.tell("values", "unknown", line % values)
            quantities.append(row.pk)
        try:
            points = [Condition.of_text(text) for text in self.told["conditions"]]
            ids = condition_ids(points)
        except ValueError as error:
            raise BundleRefused(_("A condition of the bundle is none: %s") % error) from None
        told = self.merge.inventory["devices"]
        return Places(
            np.array([self.analyses.get(one["uuid"], NONE) for one in self.told["analyses"]], "i8"),
            np.array([self.merge.devices.get(one["uuid"], NONE) for one in told], "i8"),
            np.array(quantities, "i8"),
            np.array([ids[one] for one in points], "i8"),
        )

    def _take_values(self, values: IO[bytes]) -> None:
        places = self._places()
        had = self._pairs()
        written: dict[int, int] = defaultdict(int)
        for block in self._blocks(values, places):
            self.merge.alive()
            pairs = block.analysis.astype("i8") << 32 | block.device.astype("i8")
            old = np.isin(pairs, had)
            self._compare(block.take(old))
            fresh = block.take(~old)
            if not len(fresh):
                continue
            self.said.count("values", "new", len(fresh))
            ids, counts = np.unique(fresh.analysis, return_counts=True)
            for analysis, n in zip(ids.tolist(), counts.tolist(), strict=True):
                written[analysis] += n
            for pair in np.unique(pairs[~old]).tolist():
                self.fresh[pair >> 32].add(pair & 0xFFFFFFFF)
            if not self.merge.dry:
                self._write(fresh)
        rows = Analysis.objects.in_bulk(list(written))
        for pk, row in rows.items():
            row.values += written[pk]
        Analysis.objects.bulk_update(rows.values(), ["values"], batch_size=200)

    def _write(self, fresh: MeasurementColumns) -> None:
        try:
            with transaction.atomic():
                write_measurements(fresh)
        except (IntegrityError, ValueError) as error:
            raise BundleRefused(_("Values of the bundle can't be stored: %s") % error) from None

    def _pairs(self) -> NDArray[np.int64]:
        """Analyses and devices whose values are here already, as numbers of 64 bits."""
        devices = sorted(set(self.merge.devices.values()))
        there = sorted(self.analyses.values())
        found = [np.zeros(0, "i8")]
        for part in batches(devices):
            block = read_values(part, analyses=there) if there else None
            if block is not None and len(block):
                code = block.analysis.astype("i8") << 32 | block.device.astype("i8")
                found.append(np.unique(code))
        return np.unique(np.concatenate(found))

    def _blocks(self, values: IO[bytes], places: Places) -> Iterator[MeasurementColumns]:
        """The values with our ids, but for those of what is left out."""
        try:
            with pq.ParquetFile(values) as file:
                if file.schema_arrow.remove_metadata() not in (COLUMNS, WITHOUT_BOUND):
                    raise BundleRefused(_("The table of values has other columns than it must."))
                for batch in file.iter_batches(batch_size=MOST_ROWS, use_threads=False):
                    if batch.num_rows:
                        yield self._block(batch, places)
        except (pa.ArrowException, OSError) as error:
            raise BundleRefused(_("The table of values can't be read: %s") % error) from None

    def _block(self, batch: pa.RecordBatch, places: Places) -> MeasurementColumns:
        cells = {
            name: batch.column(name).to_numpy(zero_copy_only=False) for name in batch.schema.names
        }
        ids = {}
        for name in ("analysis", "device", "quantity", "condition"):
            known, column = getattr(places, name), cells[name]
            if not np.issubdtype(column.dtype, np.integer) or (
                len(column) and not (column.min() >= 0 and column.max() < len(known))
            ):
                raise BundleRefused(_("Values of the bundle name a %s that it has not.") % name)
            ids[name] = known[column]
        good = np.logical_and.reduce([column != NONE for column in ids.values()])
        if dropped := int((~good).sum()):
            self.said.count("values", "left_out", dropped)
        rows = np.flatnonzero(good)
        block = MeasurementColumns(
            device=ids["device"][rows].astype("i4"),
            analysis=ids["analysis"][rows].astype("i4"),
            quantity=ids["quantity"][rows].astype("i2"),
            channel=cells["channel"][rows].astype("i2"),
            condition=ids["condition"][rows].astype("i4"),
            value=cells["value"][rows].astype("f8"),
            statistical=cells["statistical"][rows].astype("f8"),
            systematic=cells["systematic"][rows].astype("f4"),
            bound=cells["bound"][rows].astype("i1")
            if "bound" in cells
            else np.zeros(len(rows), "i1"),
        )
        most = np.array([self.merge.channels.get(one, 0) for one in block.device.tolist()], "i4")
        if ((block.channel < -1) | (block.channel >= most)).any():
            raise BundleRefused(_("Values of the bundle are of channels that the device has not."))
        return block

    def _compare(self, told: MeasurementColumns) -> None:
        """Hold values that are here already against those of the bundle."""
        if not len(told):
            return
        devices, analyses = (np.unique(one).tolist() for one in (told.device, told.analysis))
        here = read_values(devices, analyses=analyses)
        pairs = told.analysis.astype("i8") << 32 | told.device.astype("i8")
        mine = here.analysis.astype("i8") << 32 | here.device.astype("i8")
        here, told = here.take(np.isin(mine, pairs)).in_key_order(), told.in_key_order()
        if _same(here, told):
            self.said.count("values", "same", len(told))
            return
        text = _("%(serial)s, analysis of %(stage)s: other values there than here; ours stay")
        for pair in np.unique(pairs).tolist():
            analysis, device = pair >> 32, pair & 0xFFFFFFFF
            mask = (told.analysis == analysis) & (told.device == device)
            own = (here.analysis == analysis) & (here.device == device)
            n = int(mask.sum())
            if _same(here.take(own), told.take(mask)):
                self.said.count("values", "same", n)
            else:
                self.said.count("values", "differs", n)
                values = {"serial": self.merge.serials.get(device, device)}
                self.said.line("differs", text % {**values, "stage": self.stage_of[analysis]})

    def _count(self) -> None:
        """What counts for the sender counts here, where nothing that was measured here does."""
        counting = self._to_count()
        for analysis, devices in sorted(counting.items()):
            row = Analysis.objects.get(pk=analysis)
            for part in batches(sorted(devices)):
                self.merge.alive()
                values = read_values(part, analyses=[analysis])
                count_analyses([(row, list(part))], values)
                judge(row, part, values)
        for analysis, devices in sorted(self.fresh.items()):
            rest = sorted(devices - counting.get(analysis, set()))
            if rest and self.stage_of[analysis] in self.stages:
                row = Analysis.objects.get(pk=analysis)
                for part in batches(rest):
                    judge(row, part, read_values(part, analyses=[analysis]))

    def _to_count(self) -> dict[int, set[int]]:
        standing: dict[tuple[int, str], int] = {}
        for part in batches(sorted(set(self.merge.devices.values()))):
            rows = Standing.objects.filter(device__in=part)
            standing |= {(d, s): a for d, s, a in rows.values_list("device", "stage", "analysis")}
        foreign = set[int]()
        for part in batches(sorted(set(standing.values()))):
            rows_ = CameFrom.objects.filter(
                kind=CameFrom.Kind.ANALYSIS, number__in=part, installation__is_ours=False
            )
            foreign |= set(rows_.values_list("number", flat=True))
        counting: dict[int, set[int]] = defaultdict(set)
        for uuid, stage, told in self.told["counting"]:
            device, analysis = self.merge.devices.get(uuid), self.analyses.get(told)
            if device is None or analysis is None or stage not in self.stages:
                continue
            if analysis in self.is_ours or self.stage_of[analysis] != stage:
                continue
            now = standing.get((device, stage))
            if now is None or (now != analysis and now in foreign and not self.merge.late):
                counting[analysis].add(device)
        return counting


def _at_conditions(rows: Sequence[Document]) -> Sequence[Document]:
    """Records of fits as they came; refused where one is at what is no condition."""
    for one in rows:
        try:
            Condition.of_text(one.get("at", ""))
        except ValueError as error:
            raise BundleRefused(_("A condition of the bundle is none: %s") % error) from None
    return rows


def _ids(model: Any, told: Mapping[str, Any]) -> dict[str, int]:
    """Our id by UUID, of rows that are here."""
    found: dict[str, int] = {}
    for part in batches([UUID(one) for one in told]):
        rows = model.objects.filter(uuid__in=part)
        found |= {str(uuid): pk for uuid, pk in rows.values_list("uuid", "pk")}
    return found


def _same(one: MeasurementColumns, two: MeasurementColumns) -> bool:
    """Whether two sets of values, each in the order of the key, are equal to the last bit."""
    return len(one) == len(two) and all(
        np.array_equal(getattr(one, name), getattr(two, name), equal_nan=name == "statistical")
        for name in (
            *("device", "analysis", "quantity", "channel", "condition"),
            *("value", "statistical", "systematic", "bound"),
        )
    )


def _at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
