"""Surveys: devices of whole trays that others measured, read as their stage says."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from django.db import transaction

from mppcqa.disk import measure_file
from mppcqa.inventory.models import Device, DeviceType, Lot, Maker, Tray
from mppcqa.inventory.states import DeviceState
from mppcqa.limits.judging import judge
from mppcqa.refused import Refused
from mppcqa.results.ingest import store_analysis
from mppcqa.runs.belonging import common_keys
from mppcqa.runs.files import save_file
from mppcqa.runs.models import Run, RunFile, RunSlot
from mppcqa.stages import Condition, Result, Stage, SurveyedTray, all_stages

OnError = Literal["stop", "skip"]
BATCH = 500


class SurveyRefused(Refused):
    """Nothing was taken in."""

    between = "\n"


class BrokenLines(SurveyRefused):
    """`faults` names every broken line."""


@dataclass
class Imported:
    """What an import did."""

    trays: int = 0
    devices: int = 0
    values: int = 0
    unchanged: int = 0
    unknown: int = 0
    """Devices with columns that are not known; their cells are kept with the analysis."""
    faults: tuple[str, ...] = ()


def surveying_stage(key: str) -> Stage:
    """The stage whose survey is called so; `SurveyRefused` names those that there are."""
    there = {one.survey.key: one for one in all_stages() if one.survey is not None}
    if key not in there:
        raise SurveyRefused([f"no stage has a survey {key!r}; there are {', '.join(there)}"])
    return there[key]


def import_surveys(
    key: str,
    folder: Path,
    *,
    on_error: OnError = "stop",
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> Imported:
    """Take in every tray below a folder, as the survey `key` is read.

    A tray whose files are known already is left alone.

    With `on_error` ``stop`` a single broken line refuses everything (`BrokenLines`), with
    ``skip`` the broken lines are left out and told.
    """
    stage = surveying_stage(key)
    assert stage.survey is not None  # noqa: S101
    try:
        surveys = stage.survey.read(folder)
    except ValueError as error:  # how a stage says that a folder has no trays
        raise SurveyRefused([str(error)]) from error
    faults = [str(fault) for survey in surveys for fault in survey.faults]
    if faults and on_error == "stop":
        raise BrokenLines(faults)
    done = Imported(faults=tuple(faults))
    for number, survey in enumerate(surveys):
        progress(number, len(surveys), survey.tray)
        _import_tray(stage, survey, done)
    progress(len(surveys), len(surveys), "")
    return done


def _import_tray(stage: Stage, survey: SurveyedTray, done: Imported) -> None:
    """One tray in one transaction: devices, files, values, verdicts."""
    if not survey.devices:
        return
    digests = {measure_file(path).sha256 for path in survey.files}
    if _all_known(stage, survey, digests):
        done.unchanged += 1
        return
    with transaction.atomic():
        devices = _devices(survey)
        run = Run.objects.create(
            stage=stage.key,
            note=f"imported from tray {survey.tray}",
            **common_keys((one.campaign_id, one.owner_id) for one in devices.values()),
        )
        slots = {serial: number for number, serial in enumerate(sorted(survey.devices), 1)}
        RunSlot.objects.bulk_create(
            [RunSlot(run=run, slot=slot, device=devices[serial]) for serial, slot in slots.items()],
            batch_size=BATCH,
        )
        rows = [
            save_file(path, kind=RunFile.Kind.IMPORT, run=run, name=f"{survey.tray}/{path.name}")
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
        parameters: dict[str, Any] = {
            "files": [{"name": row.original_name, "sha256": row.sha256} for row in rows]
        }
        if kept := {serial: one.kept for serial, one in survey.devices.items() if one.kept}:
            parameters["unknown_columns"] = kept
            done.unknown += len(kept)
        analysis = store_analysis(stage, rows[0], ids, results, parameters=parameters)
        judge(analysis, ids.values())
    done.trays += 1
    done.devices += len(devices)
    done.values += len(results)


def _all_known(stage: Stage, survey: SurveyedTray, digests: set[str]) -> bool:
    """Whether the tray's newest survey was made from exactly these files."""
    device = Device.objects.filter(serial__in=list(survey.devices)[:1]).first()
    if device is None:
        return False
    standing = device.standings.filter(stage=stage.key).select_related("analysis").first()
    if standing is None:
        return False
    files = standing.analysis.parameters.get("files", [])
    return {file["sha256"] for file in files} == digests


def _devices(survey: SurveyedTray) -> dict[str, Device]:
    """The tray's devices by serial, registered where they are new."""
    maker, _ = Maker.objects.get_or_create(name=survey.maker)
    kind, _ = DeviceType.objects.get_or_create(
        name=survey.device_type, defaults={"maker": maker, "rows": 1, "columns": 1}
    )
    lot, _ = Lot.objects.get_or_create(name=survey.tray, maker=maker)
    tray, _ = Tray.objects.get_or_create(
        name=survey.tray, defaults={"rows": survey.rows, "columns": survey.columns, "lot": lot}
    )
    if survey.maker_values and tray.maker_values != survey.maker_values:
        tray.maker_values = dict(survey.maker_values)
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
                state=DeviceState.IN_TRAY,
            )
            for serial, device in survey.devices.items()
            if serial not in known
        ],
        batch_size=BATCH,
    )
    return {d.serial: d for d in Device.objects.filter(serial__in=serials)}
