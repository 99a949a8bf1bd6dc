"""Changes to what counts, as routines of the queue: limits, re-analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.models import TaskGroup
from mppcqa.queue.registry import routine


def _limit_set(pk: int) -> tuple[Any, int]:
    from mppcqa.testing.limit_changes import standings_judged_by
    from mppcqa.testing.models import LimitSet

    found = LimitSet.objects.filter(pk=pk).first()
    if found is None:
        raise TaskError(f"there is no limit set {pk}; it may have been removed")
    return found, standings_judged_by(found).count()


@routine("testing.preview_limits", title=_("What limits would change"), repeatable=True)
def preview_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """How many devices would flip with a limit set; nothing is changed."""
    from mppcqa.testing.limit_changes import effect

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return effect(found, told)


@routine("testing.apply_limits", title=_("Judge by new limits"), repeatable=True)
def apply_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """Put a limit set into use and judge every device that stands at its stage."""
    from mppcqa.testing.limit_changes import apply

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return {"devices": apply(found, told)}


@routine("testing.withdraw_limits", title=_("Judge by the general limits"), repeatable=True)
def withdraw_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """Take the limits of a device type out of use, and judge its devices by the general ones."""
    from mppcqa.testing.limit_changes import withdraw

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return {"devices": withdraw(found, told)}


def _group(pk: int) -> TaskGroup:
    found = TaskGroup.objects.filter(pk=pk).first()
    if found is None:
        raise TaskError(f"there is no group {pk}; it may have been removed")
    return found


@routine("testing.reanalyse", title=_("Analyse again"), repeatable=True)
def reanalyse(context: Context, *, file_id: int, settings: dict[str, Any]) -> dict[str, Any]:
    """Values of a run file anew, beside those that count."""
    from mppcqa.runfile import RunFileError
    from mppcqa.stages import get_stage
    from mppcqa.testing.ingest import AnalysisFault, store_analysis
    from mppcqa.testing.models import Analysis, RunFile

    row = RunFile.objects.select_related("run").filter(pk=file_id).first()
    if row is None or row.run is None:
        raise TaskError(f"there is no run file {file_id}; it may have been removed")
    # An attempt that was lost after it had stored its values is not done twice.
    known = Analysis.objects.filter(task=context.task).first()
    if known is not None:
        return {"analysis": known.pk, "values": known.values}
    stage = get_stage(row.run.stage)
    try:
        found = stage.analyse(Path(row.file.path), settings)
        analysis = store_analysis(
            stage,
            row,
            {slot.slot: slot.device_id for slot in row.run.slots.all()},
            found.results,
            found.problems,
            parameters=settings,
            task=context.task,
            counts=False,
        )
    except (RunFileError, AnalysisFault, ValueError) as error:
        raise TaskError(str(error)) from error
    context.log(f"{len(found.results)} values, {len(found.problems)} problems")
    return {"analysis": analysis.pk, "values": len(found.results)}


@routine("testing.compare", title=_("Compare old and new analyses"), repeatable=True)
def compare_analyses(context: Context, *, group_id: int) -> dict[str, Any]:
    """Offsets, scatters and changed verdicts of a group against what counts."""
    from mppcqa.testing.reanalysis import compare

    return compare(_group(group_id), context.progress)


@routine("testing.make_count", title=_("Make new analyses count"), repeatable=True)
def make_new_count(context: Context, *, group_id: int) -> dict[str, Any]:
    """The analyses of a group count from now on, and devices are judged by them.

    The comparison with what counted before is kept: afterwards there is nothing to compare with.
    """
    from mppcqa.testing.reanalysis import compare, count

    group = _group(group_id)
    # Where an attempt was lost half way, a part counts already and has nothing to compare with.
    kept = context.kept
    if kept is None:
        kept = {"comparison": compare(group)}
        context.keep(kept)
    return {**kept, "analyses": count(group, context.progress)}
