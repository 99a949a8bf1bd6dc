"""The steps of a run as routines of the queue."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

import mppcqa.testing.change_tasks  # noqa: F401  (declares its routines)
from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.logs import log_path, read_tail
from mppcqa.queue.registry import routine
from mppcqa.stages import get_stage
from mppcqa.testing.convert import convert  # noqa: F401 - a routine of its own file
from mppcqa.testing.models import Run, RunFile

LAST_WORDS = 5
FAULTS_SHOWN = 20


def run_folder(run: Run) -> Path:
    """Where a run's files lie until they are taken into the store."""
    return Path(settings.MPPCQA_HOME) / "runs" / str(run.pk)


def _run(run_id: int) -> Run:
    run = Run.objects.filter(pk=run_id).select_related("station", "operator").first()
    if run is None:
        raise TaskError(f"there is no run {run_id}; it may have been removed")
    return run


@routine("testing.acquire", title=_("Measure"), hard_limit_s=4 * 3600)
def acquire(context: Context, *, run_id: int) -> dict[str, Any]:
    """Run the station's test program; the file it writes waits in the run's folder."""
    run = _run(run_id)
    if run.station is None:
        raise TaskError(f"run {run_id} has no station")
    stage = get_stage(run.stage)
    folder = run_folder(run)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    config, output = folder / "run.json", folder / "run.root"
    config.write_text(json.dumps(_configuration(run, folder), indent=1))
    program = list(run.station.program) or stage.program()
    if shutil.which(program[0]) is None:
        raise TaskError(
            f"The test program {program[0]} is not on this computer. Check the station's setting "
            "and that the program is installed."
        )
    status = context.run_program(
        [*program, "--config", str(config), "--output", str(output)], cwd=folder
    )
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
    return {"bytes": output.stat().st_size}


def _configuration(run: Run, folder: Path) -> dict[str, Any]:
    slots = [
        {
            "slot": row.slot,
            "serial": row.device.serial,
            "rows": row.device.device_type.rows,
            "columns": row.device.device_type.columns,
            "channels": row.device.device_type.channels,
            "nominal_breakdown_v": row.device.device_type.nominal_breakdown_v,
        }
        for row in run.slots.select_related("device__device_type")
    ]
    return {
        "run": run.pk,
        "stage": run.stage,
        "station": run.station.name if run.station else "",
        "operator": run.operator.get_username() if run.operator else "",
        "parameters": run.parameters,
        "slots": slots,
        "truth": str(folder / "truth.json"),
    }


def _last_words(context: Context) -> str:
    """The end of what the program said, for a person who may not open the log."""
    text = read_tail(log_path(context.task.pk, context.task.attempt), 4000).text
    lines = [line.partition(" ")[2] for line in text.splitlines()]
    said = [line for line in lines if line and not line.startswith(("@", "$", "program ended"))]
    return "\n".join(said[-LAST_WORDS:]) or "(nothing)"


@routine("testing.check", title=_("Check the run file"), repeatable=True)
def check_file(context: Context, *, run_id: int) -> dict[str, Any]:
    """Take the file in if it is whole; what is wrong with it is said, and the file stays."""
    from mppcqa.runfile import check
    from mppcqa.testing.files import keep_file

    run = _run(run_id)
    path = run_folder(run) / "run.root"
    faults = check(path)
    for fault in faults:
        context.log(str(fault))
    if faults:
        listed = "\n".join(str(fault) for fault in faults[:FAULTS_SHOWN])
        raise TaskError(
            f"The run file can't be used, nothing was taken in:\n{listed}\n"
            "Measure again; if it happens again, look at the test program's log."
        )
    _check_devices(run, path)
    row = keep_file(path, kind=RunFile.Kind.RUN, run=run, name=f"run-{run.pk}-{run.stage}.root")
    if row.run_id != run.pk:
        raise TaskError(f"This file came in with run {row.run_id} already; was it copied?")
    path.unlink(missing_ok=True)
    return {"file": row.pk, "sha256": row.sha256}


def _check_devices(run: Run, path: Path) -> None:
    """The file must be of this run and of the devices that were in the station."""
    from mppcqa.runfile import RunFile as OpenRunFile

    expected = {row.slot: row.device.serial for row in run.slots.select_related("device")}
    with OpenRunFile(path) as opened:
        there = {slot["slot"]: slot["serial"] for slot in opened.slots}
        number = opened.meta["run"]
    if number != run.pk or there != expected:
        raise TaskError(
            f"The run file is of run {number} with {there}, but run {run.pk} measured {expected}. "
            "The test program must copy run and slots from its configuration."
        )


@routine("testing.analyse", title=_("Analyse"), repeatable=True)
def analyse(context: Context, *, run_id: int) -> dict[str, Any]:
    """From the run file to values in the database, all or none."""
    from mppcqa.runfile import RunFileError
    from mppcqa.testing.ingest import AnalysisFault, store_analysis

    run = _run(run_id)
    row = run.files.filter(kind=RunFile.Kind.RUN).order_by("-id").first()
    if row is None:
        raise TaskError(f"Run {run.pk} has no run file to analyse: measure first.")
    stage = get_stage(run.stage)
    context.progress(0, 3, "reading and fitting")
    try:
        found = stage.analyse(Path(row.file.path), {})
    except RunFileError as error:
        raise TaskError(str(error)) from error
    context.progress(2, 3, "storing")
    devices = {slot.slot: slot.device_id for slot in run.slots.all()}
    try:
        analysis = store_analysis(
            stage, row, devices, found.results, found.problems, task=context.task
        )
    except AnalysisFault as error:
        raise TaskError(str(error)) from error
    for problem in found.problems[:FAULTS_SHOWN]:
        context.log(f"slot {problem.slot} channel {problem.channel}: {problem.what}")
    if found.problems:
        context.message("warning", f"{len(found.problems)} values could not be measured")
    context.progress(3, 3, "stored")
    return {
        "analysis": analysis.pk,
        "values": len(found.results),
        "problems": len(found.problems),
    }


@routine("testing.judge", title=_("Judge"), repeatable=True)
def judge_run(context: Context, *, run_id: int) -> dict[str, Any]:
    """Verdicts of the run's devices by the limits in use."""
    from mppcqa.testing.judging import judge
    from mppcqa.testing.models import Analysis

    run = _run(run_id)
    analysis = Analysis.objects.filter(run_file__run=run, counts=True).order_by("-id").first()
    if analysis is None:
        raise TaskError(f"Run {run.pk} has no analysis to judge: analyse first.")
    outcomes = judge(analysis, [slot.device_id for slot in run.slots.all()])
    for slot in run.slots.select_related("device"):
        context.log(f"{slot.device.serial}: {outcomes[slot.device_id].value}")
    return {str(device): outcome.value for device, outcome in outcomes.items()}


@routine(
    "testing.compact",
    title=_("Compact the table of values"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="30 4 * * 0",
)
def compact(context: Context) -> dict[str, Any]:
    """Rebuild the big table, while others use it, where its pages are half empty."""
    from mppcqa.testing.upkeep import compact_measurements

    return {"rebuilt": compact_measurements()}


@routine(
    "testing.references",
    title=_("Remind of reference devices"),
    repeatable=True,
    schedule="0 6 * * *",
)
def references(context: Context) -> dict[str, int]:
    """Remind those who look after stations of reference devices that are due there."""
    from mppcqa.queue.notices import remind
    from mppcqa.testing.reference_devices import due_references, reminder

    due = due_references()
    for station, last in due:
        text = reminder(station, last)
        context.log(text)
        remind(context.task, text, "testing.change_station")
    return {"due": len(due)}
