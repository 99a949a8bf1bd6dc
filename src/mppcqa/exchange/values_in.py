"""Checked values into the database: written in blocks, then all of them count in one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from numpy.typing import NDArray

import mppcqa
from mppcqa.database.number_rows import insert_rows
from mppcqa.database.retry import again_after_deadlock
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.mapping import MEASURED
from mppcqa.exchange.models import Import
from mppcqa.exchange.spool import Spool
from mppcqa.inventory.locks import lock_devices
from mppcqa.inventory.models import Device
from mppcqa.limits.judging import judge
from mppcqa.limits.records import ask_follow
from mppcqa.results.bulk_values import MeasurementColumns, write_measurements
from mppcqa.results.counting import count_analyses
from mppcqa.results.models import Analysis, Measurement, Standing
from mppcqa.results.references import Meaning, condition_ids, quantity_ids
from mppcqa.results.sums import groups_of, kept_sums, save_sums, sums_before, with_sums
from mppcqa.runs.belonging import keys_of
from mppcqa.runs.files import save_file
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Stage
from mppcqa.store.keeping import discard
from mppcqa.tables import Fault
from mppcqa.typed import moment

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500
BEGUN = ("skip", "written", "values", "devices", "spoiled")
"""What `Import.found` holds while an import is under way, beside its analysis."""
MOST_SLOTS = 30_000
"""A run of more devices than that names them by its values alone."""


class ImportEnded(RuntimeError):
    """The import was given up by somebody else while it ran; nothing of it counts."""


def standing_devices(stage: Stage, devices: NDArray[np.int32]) -> NDArray[np.int32]:
    """Those of the devices that have values which count at the stage."""
    found: list[int] = []
    ids = devices.tolist()
    for start in range(0, len(ids), BATCH):
        rows = Standing.objects.filter(stage=stage.key, device__in=ids[start : start + BATCH])
        found += rows.values_list("device", flat=True)
    return np.array(sorted(found), np.int32)


def refuse_standing(row: Import, stage: Stage, devices: NDArray[np.int32], book: FaultBook) -> int:
    """How many devices have values of the stage already; a fault each if that was asked."""
    there = standing_devices(stage, devices)
    if row.existing == Import.Existing.REFUSE and row.counts_now:
        ids = there.tolist()
        for start in range(0, len(ids), BATCH):
            names = Device.objects.filter(pk__in=ids[start : start + BATCH])
            for serial in names.order_by("serial").values_list("serial", flat=True):
                text = _("%(serial)s has values of this stage already")
                book.add(
                    Fault(
                        None,
                        "",
                        text % {"serial": serial},
                        _("Choose whether they are replaced or left as they are."),
                    )
                )
    return len(there)


def store_values(
    row: Import,
    stage: Stage,
    *,
    by: AbstractBaseUser | None,
    told: Callable[[int], None] = lambda values: None,
    alive: Callable[[], None] = lambda: None,
) -> None:
    """Store an import's checked values as one analysis, and mark the import as done.

    Values that nothing shows yet are written in blocks, each in a transaction of its own; a second
    call goes on where the first was interrupted. Then one transaction makes all of them count, with
    verdicts, summaries and the import's own state: all or nothing. `told` is called between
    transactions, `alive` also within them; either may raise to stop.
    """
    spool = Spool(row.spool_path)
    if row.found.get("spoiled"):
        take_back(row)
    if "analysis" not in row.found:
        with transaction.atomic():
            _begin(row, stage, spool, by)
    analysis = Analysis.objects.get(pk=row.found["analysis"])
    blocks = _Blocks(row, stage, spool, analysis)
    for block in blocks:
        columns = block.take(block.device > row.found["written"])
        if not len(columns):
            continue
        with transaction.atomic():
            write_measurements(columns)
            row.found["values"] += len(columns)
            row.found["written"] = int(columns.device.max())
            row.save(update_fields=["found"])
        told(row.found["values"])
    _finish(row, stage, analysis, blocks, alive)


class _Blocks:
    """The values of an import as the big table has them, in blocks of whole devices."""

    def __init__(self, row: Import, stage: Stage, spool: Spool, analysis: Analysis) -> None:
        keys, conditions = spool.meaning()
        quantities, points = quantity_ids(stage), condition_ids(conditions)
        self._condition = np.array([points[one] for one in conditions], np.int32)
        self._quantity = np.array([quantities[key] for key in keys], np.int16)
        self._skip = np.array(row.found["skip"], np.int32)
        self._spool, self._analysis = spool, analysis.pk
        # As they were when it began: an import that goes on later goes on with the same.
        self._done: list[tuple[list[int], NDArray[np.int32]]] = []
        for done, devices in groups_of(kept_sums(analysis)):
            later = [with_sums(one, done) for one in conditions]
            ids = condition_ids(later)
            self._done.append((devices, np.array([ids[one] for one in later], np.int32)))

    def __iter__(self) -> Iterator[MeasurementColumns]:
        for block in self._spool.blocks():
            condition = self._condition[block["condition"]]
            for devices, later in self._done:
                mine = np.isin(block["device"], devices)
                condition[mine] = later[block["condition"][mine]]
            columns = MeasurementColumns(
                device=block["device"],
                analysis=np.full(len(block["device"]), self._analysis, np.int32),
                quantity=self._quantity[block["quantity"]],
                channel=block["channel"],
                condition=condition,
                value=block["value"],
                statistical=block["statistical"],
                systematic=block["systematic"].astype(np.float32),
                bound=block["bound"],
            )
            if len(self._skip):
                columns = columns.take(~np.isin(columns.device, self._skip))
            yield columns.in_key_order()

    def devices(self) -> NDArray[np.int32]:
        """Ids of the devices that are not left out, ascending."""
        return np.setdiff1d(self._spool.devices()[0], self._skip)


@again_after_deadlock
def _finish(
    row: Import, stage: Stage, analysis: Analysis, blocks: _Blocks, alive: Callable[[], None]
) -> None:
    """All values begin to count, and the import is done, in one transaction."""
    now = timezone.now()
    done = {
        "values": row.found["values"],
        "devices": row.found["devices"],
        "skipped": len(row.found["skip"]),
    }
    with transaction.atomic():
        if row.counts_now:
            devices = blocks.devices()
            # All devices before any summary: two ingests that lock in one order can't deadlock.
            lock_devices(devices.tolist())
            late, meaning = _measured_since(row, stage, devices), Meaning()
            done["values"] -= _forget(analysis.pk, late)
            done["devices"] -= len(late)
            done["skipped"] += len(late)
            for columns in blocks:
                alive()
                columns = columns.take(~np.isin(columns.device, late))
                members = np.unique(columns.device).tolist()
                if members:
                    count_analyses([(analysis, members)], columns, meaning)
                    judge(analysis, members, columns)
            # What was recorded while blocks were written.
            ask_follow(devices.tolist(), by=row.asked_by)
        Analysis.objects.filter(pk=analysis.pk).update(values=done["values"])
        rest = {key: value for key, value in row.found.items() if key not in BEGUN}
        found = {**rest, "analysis": analysis.pk, "done": done}
        # Whoever gave this import up meanwhile has the last word.
        if not Import.objects.filter(pk=row.pk, state=Import.State.IMPORTING).update(
            state=Import.State.DONE, found=found, done_at=now
        ):
            raise ImportEnded(_("The import was ended elsewhere; nothing of it counts."))
    row.state, row.found, row.done_at = Import.State.DONE, found, now


def _measured_since(row: Import, stage: Stage, devices: NDArray[np.int32]) -> NDArray[np.int32]:
    """Devices that got values since the import began, which are not to be replaced."""
    if row.existing == Import.Existing.UPDATE:
        return devices[:0]
    return standing_devices(stage, devices)


def _forget(analysis: int, devices: NDArray[np.int32]) -> int:
    """Remove the values that an analysis has of some devices; returns how many."""
    gone = 0
    ids = devices.tolist()
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        n, _by_model = Measurement.objects.filter(device__in=part, analysis=analysis).delete()
        gone += n
    return gone


def _begin(row: Import, stage: Stage, spool: Spool, by: AbstractBaseUser | None) -> None:
    """The run, file and analysis that the values will belong to."""
    devices, _counts = spool.devices()
    there = standing_devices(stage, devices)
    keep = row.existing == Import.Existing.SKIP
    # Where existing values are faults: those told, and devices that got values since.
    keep |= row.existing == Import.Existing.REFUSE and row.counts_now
    skip = there if keep else there[:0]
    devices = np.setdiff1d(devices, skip)
    run = Run.objects.create(
        stage=stage.key,
        operator_id=None if by is None else by.pk,
        note=_("imported from %s") % row.original_name,
        measured_at=moment(row.mapping.get("fill", {}).get(MEASURED)) or timezone.now(),
        **keys_of(devices.tolist()),
    )
    if len(devices) <= MOST_SLOTS:
        slots = np.arange(1, len(devices) + 1)
        insert_rows(
            RunSlot._meta.db_table,
            {"run_id": np.full_like(slots, run.pk), "slot": slots, "device_id": devices},
        )
    file = save_file(row.path, kind=RunFile.Kind.IMPORT, run=run, name=row.original_name)
    analysis = Analysis.objects.create(
        run_file=file,
        stage=stage.key,
        version=stage.version,
        code_version=mppcqa.__version__,
        parameters={"import": row.pk, "mapping": row.mapping, "reading": row.reading},
        counts=False,
        task=row.task,
        made_by_id=None if by is None else by.pk,
    )
    save_sums(analysis, sums_before(run, stage, devices.tolist()))
    row.run, row.state = run, Import.State.IMPORTING
    row.found |= {
        "analysis": analysis.pk,
        "skip": skip.tolist(),
        "devices": len(devices),
        "values": 0,
        "written": 0,  # the last device
    }
    row.save()


def take_back(row: Import) -> int:
    """Remove what an import that is not done has written, none of which counts.

    Returns how many values went. May be interrupted and called again.
    """
    number = row.found.get("analysis")
    if number is None or row.state == Import.State.DONE:
        return 0
    if not row.found.get("spoiled"):
        # From now on it can't go on where it stopped.
        row.found["spoiled"] = True
        row.save(update_fields=["found"])
    try:
        devices = Spool(row.spool_path).devices()[0]
    except FileNotFoundError:  # after a restore: the table lies elsewhere, or nowhere
        devices = np.array(list(Device.objects.order_by("pk").values_list("pk", flat=True)))
    gone = _forget(number, devices)
    with transaction.atomic():
        run, row.run = row.run, None
        for name in ("analysis", *BEGUN):
            row.found.pop(name, None)
        row.save(update_fields=["found", "run"])
        Analysis.objects.filter(pk=number).delete()
        if run is not None:
            for file in run.files.exclude(analyses__isnull=False):
                file.delete()
                discard(file.file.name)
            if not run.files.exists():
                run.delete()
    return gone
