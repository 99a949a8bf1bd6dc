"""Results that were measured elsewhere: trays of single SiPMs from their text files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from django.db import transaction

from mppcqa.inventory.models import Device, DeviceType, Lot, Maker, Tray
from mppcqa.stages import Condition, Result, get_stage
from mppcqa.stages.tray_survey import SurveyedDevice, TraySurvey, read_folder
from mppcqa.stages.tray_survey.reader import COLUMNS, ROWS
from mppcqa.testing.files import keep_file, sha256_of
from mppcqa.testing.ingest import store_analysis
from mppcqa.testing.judging import judge
from mppcqa.testing.models import Run, RunFile, RunSlot

OnError = Literal["stop", "skip"]
DEVICE_TYPE = "SiPM of the ePIC LFHCal"
BATCH = 500


class SurveyRefused(ValueError):
    """Nothing was taken in; `faults` names every broken line."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


@dataclass
class Imported:
    """What an import did."""

    trays: int = 0
    devices: int = 0
    values: int = 0
    unchanged: int = 0
    faults: tuple[str, ...] = ()


def import_surveys(
    folder: Path,
    *,
    on_error: OnError = "stop",
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Imported:
    """Take in every tray below a folder. A tray whose files are known already is left alone.

    With `on_error` ``stop`` a single broken line refuses everything (`SurveyRefused`), with
    ``skip`` the broken lines are left out and told.
    """
    surveys = read_folder(folder)
    faults = [str(fault) for survey in surveys for fault in survey.faults]
    if faults and on_error == "stop":
        raise SurveyRefused(faults)
    done = Imported(faults=tuple(faults))
    for number, survey in enumerate(surveys):
        progress(number, len(surveys), survey.tray)
        _import_tray(survey, done)
    progress(len(surveys), len(surveys), "")
    return done


def _import_tray(survey: TraySurvey, done: Imported) -> None:
    """One tray in one transaction: devices, files, values, verdicts."""
    if not survey.devices:
        return
    digests = {sha256_of(path) for path in survey.files}
    if _all_known(survey, digests):
        done.unchanged += 1
        return
    stage = get_stage("tray_survey")
    with transaction.atomic():
        devices = _devices(survey)
        run = Run.objects.create(stage=stage.key, note=f"imported from tray {survey.tray}")
        slots = {serial: number for number, serial in enumerate(sorted(survey.devices), 1)}
        RunSlot.objects.bulk_create(
            [RunSlot(run=run, slot=slot, device=devices[serial]) for serial, slot in slots.items()],
            batch_size=BATCH,
        )
        rows = [
            keep_file(path, kind=RunFile.Kind.IMPORT, run=run, name=f"{survey.tray}/{path.name}")
            for path in survey.files
        ]
        results = [
            Result(
                slot=slots[serial],
                channel=0,
                quantity=quantity,
                value=value,
                uncertainty=uncertainty,
                condition=Condition(),
                method=method,
            )
            for serial, device in survey.devices.items()
            for quantity, (value, uncertainty, method) in device.values.items()
        ]
        ids = {slot: devices[serial].pk for serial, slot in slots.items()}
        parameters = {"files": [{"name": row.original_name, "sha256": row.sha256} for row in rows]}
        analysis = store_analysis(stage, rows[0], ids, results, parameters=parameters)
        judge(analysis, ids.values())
    done.trays += 1
    done.devices += len(devices)
    done.values += len(results)


def _all_known(survey: TraySurvey, digests: set[str]) -> bool:
    """Whether the tray's newest survey was made from exactly these files."""
    device = Device.objects.filter(serial__in=list(survey.devices)[:1]).first()
    if device is None:
        return False
    standing = device.standings.filter(stage="tray_survey").select_related("analysis").first()
    if standing is None:
        return False
    files = standing.analysis.parameters.get("files", [])
    return {file["sha256"] for file in files} == digests


def _devices(survey: TraySurvey) -> dict[str, Device]:
    """The tray's devices by serial, registered where they are new."""
    maker, _ = Maker.objects.get_or_create(name="Hamamatsu")
    kind, _ = DeviceType.objects.get_or_create(
        name=DEVICE_TYPE, defaults={"maker": maker, "rows": 1, "columns": 1}
    )
    lot, _ = Lot.objects.get_or_create(name=survey.tray, maker=maker)
    tray, _ = Tray.objects.get_or_create(
        name=survey.tray, defaults={"rows": ROWS, "columns": COLUMNS, "lot": lot}
    )
    nominal = _nominal(list(survey.devices.values()))
    if nominal is not None and tray.maker_values != nominal:
        tray.maker_values = nominal
        tray.save(update_fields=["maker_values"])
    serials = list(survey.devices)
    known = {d.serial: d for d in Device.objects.filter(serial__in=serials)}
    Device.objects.bulk_create(
        [
            Device(
                serial=device.serial,
                device_type=kind,
                lot=lot,
                tray=tray,
                tray_row=device.row,
                tray_column=device.column,
            )
            for serial, device in survey.devices.items()
            if serial not in known
        ],
        batch_size=BATCH,
    )
    return {d.serial: d for d in Device.objects.filter(serial__in=serials)}


def _nominal(devices: list[SurveyedDevice]) -> dict[str, float] | None:
    for device in devices:
        if found := device.values.get("nominal_voltage_v"):
            return {"nominal_voltage_v": found[0]}
    return None
