"""Judging, and changes of what is judged by, as routines of the queue."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from mppcqa.queue.context import Context
from mppcqa.queue.errors import TaskError
from mppcqa.queue.models import TaskGroup
from mppcqa.queue.registry import routine
from mppcqa.runs.task_stage import task_stage
from mppcqa.runs.tasks import run_of


def _limit_set(pk: int) -> tuple[Any, int]:
    from mppcqa.limits.changes import standings_judged_by
    from mppcqa.limits.models import LimitSet

    found = LimitSet.objects.filter(pk=pk).first()
    if found is None:
        raise TaskError(f"there is no limit set {pk}; it may have been removed")
    task_stage(found.stage)
    return found, standings_judged_by(found).count()


@routine("limits.preview", title=_("What limits would change"), repeatable=True)
def preview_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """How many devices would flip with a limit set; nothing is changed."""
    from mppcqa.limits.changes import effect

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return effect(found, told)


@routine("limits.apply", title=_("Judge by new limits"), repeatable=True)
def apply_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """Put a limit set into use and judge every device that stands at its stage."""
    from mppcqa.limits.changes import apply

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return {"devices": apply(found, told)}


@routine("limits.withdraw", title=_("Judge by the general limits"), repeatable=True)
def withdraw_limits(context: Context, *, limit_set_id: int) -> dict[str, Any]:
    """Take limits out of use, and judge their devices by what is in use for these then."""
    from mppcqa.limits.changes import withdraw

    found, total = _limit_set(limit_set_id)

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, total), "devices")

    return {"devices": withdraw(found, told)}


@routine("limits.judge_devices", title=_("Judge by the campaign's limits"), repeatable=True)
def judge_devices(context: Context, *, devices: list[int]) -> dict[str, Any]:
    """Devices that came into another campaign, by the limits that are in use for them there."""
    from mppcqa.limits import changes

    def told(done: int) -> None:
        context.check_stopped()
        context.progress(done, max(done, len(devices)), "verdicts")

    return {"verdicts": changes.judge_devices(devices, told)}


def _group(pk: int) -> TaskGroup:
    found = TaskGroup.objects.filter(pk=pk).first()
    if found is None:
        raise TaskError(f"there is no group {pk}; it may have been removed")
    return found


@routine("limits.judge", title=_("Judge"), repeatable=True)
def judge_run(context: Context, *, run_id: int) -> dict[str, Any]:
    """Verdicts of the run's devices by the limits in use."""
    from mppcqa.limits.holding import alarm_words, hold
    from mppcqa.limits.judging import judge
    from mppcqa.limits.signals import to_be_judged
    from mppcqa.queue.notices import remind
    from mppcqa.results.models import Analysis

    run = run_of(run_id)
    analysis = Analysis.objects.filter(run_file__run=run, counts=True).order_by("-id").first()
    if analysis is None:
        raise TaskError(f"Run {run.pk} has no analysis to judge: analyse first.")
    task_stage(analysis.stage)
    to_be_judged.send(Analysis, run=run)
    if (alarm := hold(run)) is not None:
        if alarm.run_id == run.pk:
            remind(context.task, alarm_words(alarm), "runs.change_station")
        context.log(f"{run.station}: alarm #{alarm.pk} is open, so nothing is judged until then")
        return {"held": alarm.pk}
    outcomes = judge(analysis, [slot.device_id for slot in run.slots.all()])
    for slot in run.slots.select_related("device"):
        context.log(f"{slot.device.serial}: {outcomes[slot.device_id].value}")
    return {str(device): outcome.value for device, outcome in outcomes.items()}


@routine("limits.compare", title=_("Compare old and new analyses"), repeatable=True)
def compare_analyses(context: Context, *, group_id: int) -> dict[str, Any]:
    """Offsets, scatters and changed verdicts of a group against what counts."""
    from mppcqa.limits.reanalysis import compare

    return compare(_group(group_id), context.progress)


@routine("limits.make_count", title=_("Make new analyses count"), repeatable=True)
def make_new_count(context: Context, *, group_id: int) -> dict[str, Any]:
    """The analyses of a group count from now on, and devices are judged by them.

    The comparison with what counted before is kept: afterwards there is nothing to compare with.
    """
    from mppcqa.limits.reanalysis import compare, count

    group = _group(group_id)
    # Where an attempt was lost half way, a part counts already and has nothing to compare with.
    kept = context.kept
    if kept is None:
        kept = {"comparison": compare(group)}
        context.keep(kept)
    return {**kept, "analyses": count(group, context.progress)}


@routine("limits.follow_records", title=_("Bring runs in line with records"), repeatable=True)
def follow_records(context: Context, *, devices: list[int]) -> dict[str, Any]:
    """Conditions of runs anew, where what was done to their devices was recorded late."""
    from mppcqa.limits.records import follow

    def told(done: int, total: int) -> None:
        context.check_stopped()
        context.progress(done, total, "analyses")

    return {"analyses": follow(devices, task=context.task, told=told)}
