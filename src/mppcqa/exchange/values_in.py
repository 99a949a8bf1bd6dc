"""Checked values into the database, in blocks of whole devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from numpy.typing import NDArray

import mppcqa
from mppcqa.exchange.faults import FaultBook
from mppcqa.exchange.models import Import
from mppcqa.exchange.source import Fault
from mppcqa.exchange.spool import Spool
from mppcqa.inventory.models import Device
from mppcqa.stages import Stage
from mppcqa.testing.bulk_values import MeasurementColumns, write_measurements
from mppcqa.testing.counting import count_analyses, lock_devices
from mppcqa.testing.files import keep_file
from mppcqa.testing.judging import judge
from mppcqa.testing.models import (
    Analysis,
    Measurement,
    Run,
    RunFile,
    RunSlot,
    Standing,
)
from mppcqa.testing.references import condition_rows, quantity_rows

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 500
MOST_SLOTS = 30_000
"""A run of more devices than that names them by its values alone."""


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
) -> dict[str, int]:
    """Store an import's checked values as one analysis.

    Blocks of whole devices, each in a transaction of its own, so that nobody waits long: first all
    values, which nothing shows yet, then block by block they count. A second call goes on where
    the first was interrupted.
    """
    spool = Spool(row.spool_path)
    _keys, conditions = spool.meaning()
    if "analysis" not in row.found:
        with transaction.atomic():
            _begin(row, stage, spool, by)
    analysis = Analysis.objects.get(pk=row.found["analysis"])
    skip = np.array(row.found["skip"], np.int32)
    quantities = {key: one.pk for key, one in quantity_rows(stage).items()}
    points = condition_rows(conditions)
    condition = np.array([points[one].pk for one in conditions], np.int32)
    quantity = np.array([quantities[key] for key in spool.meaning()[0]], np.int16)

    def write(columns: MeasurementColumns) -> None:
        write_measurements(columns)
        row.found["values"] += len(columns)

    def count(columns: MeasurementColumns) -> None:
        members = np.unique(columns.device).tolist()
        lock_devices(members)
        count_analyses([(analysis, members)], columns)
        judge(analysis, members)

    steps = {"written": write} | ({"counted": count} if row.counts_now else {})
    for step, act in steps.items():
        for number, block in enumerate(spool.blocks()):
            if number < row.found[step]:
                continue
            columns = _columns(block, analysis, quantity, condition)
            columns = columns.take(~np.isin(columns.device, skip)) if len(skip) else columns
            with transaction.atomic():
                if len(columns):
                    act(columns.take(columns.key_order))
                row.found[step] = number + 1
                row.save(update_fields=["found"])
            told(row.found["values"])
    Analysis.objects.filter(pk=analysis.pk).update(values=row.found["values"])
    return {"values": row.found["values"], "devices": row.found["devices"], "skipped": len(skip)}


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
    )
    if len(devices) <= MOST_SLOTS:
        RunSlot.objects.bulk_create(
            (RunSlot(run=run, slot=n, device_id=pk) for n, pk in enumerate(devices.tolist(), 1)),
            batch_size=BATCH,
        )
    file = keep_file(row.path, kind=RunFile.Kind.IMPORT, run=run, name=row.original_name)
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
    row.run = run
    row.found |= {
        "analysis": analysis.pk,
        "skip": skip.tolist(),
        "devices": len(devices),
        "values": 0,
        "written": 0,
        "counted": 0,
    }
    row.save()


def take_back(row: Import) -> None:
    """Remove the values of an import that failed before any of them counted."""
    analysis = row.found.get("analysis")
    if analysis is None or row.found.get("counted"):
        return
    devices, _counts = Spool(row.spool_path).devices()
    ids = devices.tolist()
    for start in range(0, len(ids), BATCH):
        Measurement.objects.filter(
            device__in=ids[start : start + BATCH], analysis=analysis
        ).delete()
    Analysis.objects.filter(pk=analysis).delete()
    for name in ("analysis", "skip", "written", "counted", "values", "devices"):
        row.found.pop(name, None)
    row.save()


def _columns(
    block: dict[str, NDArray[Any]],
    analysis: Analysis,
    quantity: NDArray[np.int16],
    condition: NDArray[np.int32],
) -> MeasurementColumns:
    return MeasurementColumns(
        device=block["device"],
        analysis=np.full(len(block["device"]), analysis.pk, np.int32),
        quantity=quantity[block["quantity"]],
        channel=block["channel"],
        condition=condition[block["condition"]],
        value=block["value"],
        uncertainty=block["uncertainty"],
    )
