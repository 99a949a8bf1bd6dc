"""Measuring and taking in run files, as routines of the queue."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Person
from mppcqa.inventory.moving import MoveRefused
from mppcqa.inventory.scope import scope_of
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.logs import log_path, read_tail
from mppcqa.queue.program_user import (
    Place,
    ProgramUser,
    ProgramUserFault,
    bring_left,
    told_left,
)
from mppcqa.queue.programs import own_user
from mppcqa.queue.registry import Parameter, routine
from mppcqa.runs.folders import RUN_FILE, folder_to_keep, mark_kept, new_folder, note_size
from mppcqa.runs.models import MeasuredFolder, Run, RunFile, RunSlot, Station
from mppcqa.runs.seats import MEASURE, refuse_moved
from mppcqa.runs.space import room, too_full, warning
from mppcqa.runs.task_stage import task_stage
from mppcqa.station.programs import ListFault, Program, read_list

LAST_WORDS = 5
CONTACT_S = 10
"""What a contact check may take before hours of measuring."""
FAULTS_SHOWN = 20


def run_of(run_id: int) -> Run:
    """The run of a task, with its station and operator; `TaskError` where it is gone."""
    run = Run.objects.filter(pk=run_id).select_related("station", "operator").first()
    if run is None:
        raise TaskError(f"there is no run {run_id}; it may have been removed")
    return run


@routine(MEASURE, title=_("Measure"), hard_limit_s=4 * 3600, not_now=too_full)
def acquire(context: Context, *, run_id: int) -> dict[str, Any]:
    """Run the station's test program; the file it writes waits in the run's folder."""
    run = run_of(run_id)
    if run.station is None:
        raise TaskError(f"run {run_id} has no station")
    try:
        refuse_moved(run)
    except MoveRefused as error:
        lines = "\n".join(error.faults)
        raise TaskError(f"The devices are not where they were to be measured:\n{lines}") from error
    stage = task_stage(run.stage)
    listed = listed_program(run.station, run.stage)
    program = list(listed.command if listed else typed_program(run.station) or stage.program())
    if shutil.which(program[0]) is None:
        raise TaskError(
            f"The test program {program[0]} is not on this computer. Check the station's setting "
            "and that the program is installed."
        )
    row = new_folder(run, context.task)
    output = row.path / RUN_FILE
    try:
        status = _run_program(context, run, row, program, listed)
    except ProgramUserFault as error:
        raise TaskError(str(error)) from None
    finally:
        note_size(row)
    if status != 0:
        raise TaskError(
            f"The test program ended with exit status {status}. Its last words:\n"
            f"{_last_words(context)}"
        )
    if not output.is_file():
        raise TaskError(
            "The test program said that it was done, but it wrote no run file. "
            f"Its last words:\n{_last_words(context)}"
        )
    return {"bytes": output.stat().st_size, "folder": row.name}


def _run_program(
    context: Context, run: Run, row: MeasuredFolder, program: list[str], listed: Program | None
) -> int:
    """The program's exit status; what it wrote lies in the attempt's folder then.

    After a stop it is taken over once the station is safe: that may take minutes.
    `ProgramUserFault` where it has to run as another user and can't.
    """
    user = own_user()
    for former in run.folders.exclude(pk=row.pk):
        _bring_former(context, former, user)
    place = Place(row.path, user)
    told = json.dumps(configuration(run, place.folder), indent=1)
    config = place.put("run.json", told)
    try:
        status = context.run_program(
            [*program, "--config", str(config), "--output", str(place.folder / RUN_FILE)],
            cwd=Path(listed.folder) if listed and listed.folder else place.folder,
            env=listed.surroundings() if listed else None,
            user=user,
        )
        left = _take_over(context, place)
    except BaseException:

        def later() -> None:
            _take_over(context, place)
            note_size(row)

        context.afterwards(later)
        raise
    if status == 0 and RUN_FILE in left:
        raise TaskError(
            f"The run was measured, and its file could not be taken over: {left[RUN_FILE]}. It is "
            f"in {place.folder}; a further attempt brings it here first."
        )
    return status


def _take_over(context: Context, place: Place) -> dict[str, str]:
    """Bring what the program wrote; what could not be brought, which is told."""
    if left := place.bring():
        context.message("warning", told_left(left, place.folder))
    return left


def _bring_former(context: Context, former: MeasuredFolder, user: ProgramUser | None) -> None:
    """What an attempt before this left with the other user; no fault of it stops this one."""
    try:
        left = bring_left(former.path, user)
        if left is None:
            return
        note_size(former)
        if left:
            context.log(f"of the attempt {former.name}: {told_left(left, former.path)}")
    except (OSError, ValueError) as error:
        context.log(f"what the attempt {former.name} wrote was not taken over: {error}")


def listed_program(station: Station, stage: str) -> Program | None:
    """The program of this computer's own list for a station; None where there is no list.

    `TaskError` where the list can't be used, or has none or several for the stage.
    """
    path = settings.MPPCQA_PROGRAMS
    if not path.is_file():
        return None
    try:
        programs = read_list(path, other_user=bool(settings.MPPCQA_PROGRAM_USER)).programs
    except ListFault as error:
        raise TaskError(f"The list of programs of this computer can't be used:\n{error}") from None
    fitting = [one for one in programs.values() if not one.stages or stage in one.stages]
    if station.program_name:
        fitting = [one for one in fitting if one.name == station.program_name]
    if len(fitting) != 1:
        said = ", ".join(one.name for one in fitting) or "none"
        raise TaskError(
            f"{path} of this computer has not one program for {station} and the stage {stage}, "
            f"but {said}. An administrator keeps that list; which is taken is said on the "
            "station's form."
        )
    return fitting[0]


def typed_program(station: Station) -> list[str]:
    """What people typed on the station's form, where this computer runs such commands."""
    if not station.program or settings.MPPCQA_TYPED_COMMANDS:
        return list(station.program)
    raise TaskError(
        f"The program of {station} is a command that was typed on a page, and this computer runs "
        f"none. Write it into the list {settings.MPPCQA_PROGRAMS} (docs/stations.md); or let its "
        "administrator set MPPCQA_TYPED_COMMANDS=1, which gives whoever may edit stations a shell."
    )


def run_names(run: Run) -> dict[str, str]:
    """What names a run and its operator in every database, as run files have it."""
    names = {"run_uuid": str(run.uuid)}
    person = Person.objects.filter(user=run.operator_id).first() if run.operator_id else None
    return names if person is None else names | {"operator_uuid": str(person.uuid)}


def configuration(run: Run, folder: Path) -> dict[str, Any]:
    """What `run.json` tells the test program of a run."""
    rows = run.slots.select_related("device__device_type")
    return told_configuration(run, rows) | {"truth": str(folder / "truth.json")}


def told_configuration(run: Run, rows: Iterable[RunSlot]) -> dict[str, Any]:
    """The same of a run that may not be written yet."""
    slots = [
        {
            "slot": row.slot,
            "serial": row.device.serial,
            "uuid": str(row.device.uuid),
            "rows": row.device.device_type.rows,
            "columns": row.device.device_type.columns,
            "channels": row.device.device_type.channels,
            "nominal_breakdown_v": row.device.device_type.nominal_breakdown_v,
        }
        for row in rows
    ]
    return {
        "run": run.pk,
        **run_names(run),
        "stage": run.stage,
        "station": run.station.name if run.station else "",
        "operator": run.operator.get_username() if run.operator else "",
        "parameters": run.parameters,
        "contact_check": {
            "seconds": CONTACT_S,
            "stop": run.bad_contact in (Station.BadContact.ASK, Station.BadContact.BLOCK),
        },
        "slots": slots,
    }


def _last_words(context: Context) -> str:
    """The end of what the program said, for a person who may not open the log."""
    text = read_tail(log_path(context.task.pk, context.task.attempt), 4000).text
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("@", "$", "program ended"))]
    return "\n".join(said[-LAST_WORDS:]) or "(nothing)"


@routine("runs.check", title=_("Check the run file"), repeatable=True)
def check_file(context: Context, *, run_id: int) -> dict[str, Any]:
    """Take the file in if it is whole; what is wrong with it is said, and the file stays."""
    from mppcqa.runfile import check
    from mppcqa.runs.files import save_file
    from mppcqa.stages.filed_axes import file_axis_faults
    from mppcqa.store.keeping import surviving_power_cuts

    run = run_of(run_id)
    row = folder_to_keep(run)
    if row.kept_as is not None:
        context.log(f"the file was kept already: {row.kept_as}")
        return {"file": row.kept_as.pk, "sha256": row.kept_as.sha256}
    path = row.path / RUN_FILE
    faults = [str(one) for one in check(path)] or file_axis_faults(path)
    for fault in faults:
        context.log(fault)
    if faults:
        listed = "\n".join(faults[:FAULTS_SHOWN])
        raise TaskError(
            f"The run file can't be used, nothing was taken in:\n{listed}\n"
            "Measure again; if it happens again, look at the test program's log."
        )
    check_devices(run, path)
    name = f"run-{run.pk}-{run.stage}.root"
    with surviving_power_cuts():
        kept = save_file(path, kind=RunFile.Kind.RUN, run=run, name=name)
        if kept.run_id != run.pk:
            raise TaskError(f"This file came in with run {kept.run_id} already; was it copied?")
        mark_kept(row, kept)
    return {"file": kept.pk, "sha256": kept.sha256}


def check_devices(run: Run, path: Path) -> None:
    """The file must be of this run and of the devices that were in the station."""
    from mppcqa.runfile import RunFile as OpenRunFile

    expected = {row.slot: row.device.serial for row in run.slots.select_related("device")}
    with OpenRunFile(path) as opened:
        there = {slot["slot"]: slot["serial"] for slot in opened.slots}
        number = opened.meta["run"]
        named = opened.meta.get("run_uuid", str(run.uuid))
        # What was measured before the run had a number has 0, and is named by the uuid alone.
        if number == 0 and "run_uuid" in opened.meta:
            number = run.pk
    if number != run.pk or there != expected:
        raise TaskError(
            f"The run file is of run {number} with {there}, but run {run.pk} measured {expected}. "
            "The test program must copy run and slots from its configuration."
        )
    if named != str(run.uuid):
        raise TaskError(
            f"The run file is of run {number} of another database ({named}); here run {run.pk} is "
            f"{run.uuid}. Was it measured before a restore, or elsewhere? Import it as a foreign "
            "file."
        )


@routine(
    "runs.references",
    title=_("Remind of reference devices"),
    repeatable=True,
    schedule="0 6 * * *",
)
def references(context: Context) -> dict[str, int]:
    """Remind those who look after stations of reference devices that are due there."""
    from mppcqa.queue.notices import remind
    from mppcqa.runs.reference_devices import due_references, reminder

    due = due_references()
    for station, last in due:
        text = reminder(station, last)
        context.log(text)
        device = station.reference_device

        def may_know(user: Any, device: Any = device) -> bool:
            return scope_of(user).has(device)

        remind(context.task, text, "runs.change_station", may_know)
    return {"due": len(due)}


@routine("runs.space", title=_("Look at the disk"), repeatable=True, schedule="20 * * * *")
def space(context: Context) -> dict[str, float]:
    """Tell the administrators once a day while the server's disk is nearly full."""
    from mppcqa.queue.noticed import Notice
    from mppcqa.queue.notices import remind
    from mppcqa.runs.second_store import bytes_a_day, days_left

    text = warning()
    if text:
        context.log(text)
        day_ago = timezone.now() - dt.timedelta(days=1)
        told = Notice.objects.filter(task__name=context.task.name, at__gt=day_ago)
        if not told.exists():
            remind(context.task, text, "auth.change_user")
    result = {"free_percent": round(room().percent, 1)}
    if (left := days_left()) is not None:
        context.log(f"{bytes_a_day() / 1e9:.2f} GB of run files a day: {left:.0f} days are left")
        result["days_left"] = round(left)
    return result


@routine(
    "runs.start",
    title=_("Reference run of a station"),
    right="runs.add_run",
    parameters=(
        Parameter("station", _("Station"), of="runs.station"),
        Parameter(
            "reference",
            _("Only with its reference device"),
            told=_("Nothing is measured where that is not loaded."),
        ),
        Parameter(
            "settings_of",
            _("With the settings of run"),
            of="runs.run",
            told=_("Its number; empty for the usual settings."),
        ),
    ),
)
def start(
    context: Context, *, station: int, reference: bool = True, settings_of: int = 0
) -> dict[str, Any]:
    """Measure what is loaded in a station, as its page does."""
    from mppcqa.refused import Refused
    from mppcqa.runs.actions import start_run
    from mppcqa.runs.models import Station

    row = Station.objects.select_related("reference_device").filter(pk=station).first()
    if row is None:
        raise TaskError(f"there is no station {station}; it may have been removed")
    device = row.reference_device
    if reference and device is None:
        raise TaskError(f"{row} has no reference device: name one on its page in the catalogue.")
    if reference and not row.loaded.filter(device=device).exists():
        raise TaskError(f"the reference device {device} is not in {row}: load it.")
    stage, parameters = row.stage, None
    if settings_of:
        former = run_of(settings_of)
        stage, parameters = former.stage, former.parameters
    try:
        run = start_run(row, stage, parameters, by=context.task.requested_by)
    except Refused as error:
        raise TaskError(str(error)) from error
    context.log(f"run {run.pk} was asked for")
    return {"run": run.pk}
