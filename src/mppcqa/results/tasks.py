"""From run files to values, as routines of the queue."""

from __future__ import annotations

import traceback
from typing import Any

from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.registry import routine
from mppcqa.refused import Refused
from mppcqa.runs.models import RunFile
from mppcqa.runs.task_stage import task_stage
from mppcqa.runs.tasks import run_of

PROBLEMS_TOLD = 20


@routine("results.analyse", title=_("Analyse"), repeatable=True)
def analyse(context: Context, *, run_id: int) -> dict[str, Any]:
    """From the run file to values in the database, all or none."""
    from mppcqa.results.calibrated import analysed
    from mppcqa.results.ingest import store_analysis
    from mppcqa.runfile import RunFileError
    from mppcqa.store.reading import FileFault, whole_path

    run = run_of(run_id)
    row = run.files.filter(kind=RunFile.Kind.RUN).order_by("-id").first()
    if row is None:
        raise TaskError(f"Run {run.pk} has no run file to analyse: measure first.")
    stage = task_stage(run.stage)
    context.progress(0, 3, "reading and fitting")
    try:
        with whole_path(row) as path:
            found = analysed(stage, run, path, {})
    except (RunFileError, FileFault) as error:
        raise TaskError(str(error)) from error
    except ValueError as error:
        # Numbers that no station has, such as a pulse that is over before it began.
        context.log(traceback.format_exc())
        raise TaskError(f"What the run file holds can't be analysed: {error}") from error
    context.progress(2, 3, "storing")
    devices = {slot.slot: slot.device_id for slot in run.slots.all()}
    try:
        analysis = store_analysis(
            stage,
            row,
            devices,
            found.results,
            found.problems,
            shared=found.shared,
            fits=found.fits,
            task=context.task,
        )
    except Refused as error:
        raise TaskError(str(error)) from error
    for problem in found.problems[:PROBLEMS_TOLD]:
        context.log(f"slot {problem.slot} channel {problem.channel}: {problem.what}")
    if found.problems:
        context.message("warning", f"{len(found.problems)} values could not be measured")
    context.progress(3, 3, "stored")
    return {
        "analysis": analysis.pk,
        "values": len(found.results),
        "problems": len(found.problems),
    }


@routine("results.reanalyse", title=_("Analyse again"), repeatable=True)
def reanalyse(context: Context, *, file_id: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Values of a run file anew, beside those that count."""
    from mppcqa.results.calibrated import analysed
    from mppcqa.results.ingest import store_analysis
    from mppcqa.results.models import Analysis
    from mppcqa.runfile import RunFileError
    from mppcqa.runs.models import RunFile
    from mppcqa.store.reading import FileFault, whole_path

    row = RunFile.objects.select_related("run").filter(pk=file_id).first()
    if row is None or row.run is None:
        raise TaskError(f"there is no run file {file_id}; it may have been removed")
    # An attempt that was lost after it had stored its values is not done twice.
    known = Analysis.objects.filter(task=context.task).first()
    if known is not None:
        return {"analysis": known.pk, "values": known.values}
    stage = task_stage(row.run.stage)
    try:
        with whole_path(row) as path:
            found = analysed(stage, row.run, path, settings)
        analysis = store_analysis(
            stage,
            row,
            {slot.slot: slot.device_id for slot in row.run.slots.all()},
            found.results,
            found.problems,
            shared=found.shared,
            fits=found.fits,
            parameters=settings,
            task=context.task,
            counts=False,
        )
    except (RunFileError, FileFault, Refused) as error:
        raise TaskError(str(error)) from error
    except ValueError as error:
        context.log(traceback.format_exc())
        raise TaskError(f"What the run file holds can't be analysed: {error}") from error
    context.log(f"{len(found.results)} values, {len(found.problems)} problems")
    return {"analysis": analysis.pk, "values": len(found.results)}


@routine(
    "results.compact",
    title=_("Compact the table of values"),
    repeatable=True,
    hard_limit_s=6 * 3600,
    schedule="30 4 * * 0",
)
def compact(context: Context) -> dict[str, Any]:
    """Rebuild the big table, while others use it, where its pages are half empty."""
    from mppcqa.results.upkeep import compact_measurements

    return {"rebuilt": compact_measurements()}
