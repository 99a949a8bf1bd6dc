"""What a re-analysis would change, verdicts among it, and making it count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import signatures_needed
from mppcqa.inventory.models import Device
from mppcqa.inventory.placing import campaigns_of
from mppcqa.limits.grading import grade
from mppcqa.limits.judging import judge, limits_of
from mppcqa.limits.records import ask_follow
from mppcqa.queue.actions import submit
from mppcqa.queue.models import TaskGroup
from mppcqa.results.counting import devices_of, make_count
from mppcqa.results.models import Analysis, Standing
from mppcqa.results.reanalysis import Comparison, ReanalysisRefused, new_analyses
from mppcqa.signing.models import Act
from mppcqa.signing.pen import Pen, is_waiting, sign
from mppcqa.stages import get_stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.queue.models import Task

PIECE = 500
Told = Callable[[int, int], None]


def compare(group: TaskGroup, told: Told = lambda done, total: None) -> dict[str, Any]:
    """New values and verdicts against those that count now; plain JSON.

    ``quantities`` as `mppcqa.results.reanalysis.Comparison` has them; ``moves`` is [from, to,
    devices] as for limits.
    """
    comparison = Comparison()
    moves: Counter[tuple[str, str]] = Counter()
    analyses = new_analyses(group)
    for number, analysis in enumerate(analyses):
        devices = devices_of(analysis)
        comparison.add(analysis, devices)
        moves.update(_moves(analysis, devices))
        told(number + 1, len(analyses))
    return {
        "analyses": [analysis.pk for analysis in analyses],
        "quantities": comparison.quantities(),
        "moves": [[*pair, n] for pair, n in sorted(moves.items())],
    }


def _moves(analysis: Analysis, devices: list[int]) -> Counter[tuple[str, str]]:
    stage = get_stage(analysis.stage)
    standing = Standing.objects.filter(device__in=devices, stage=analysis.stage)
    now = dict(standing.values_list("device", "outcome"))
    moves: Counter[tuple[str, str]] = Counter()
    for limit_set, members in limits_of(stage, devices):
        found = grade(stage, limit_set, dict.fromkeys(members, analysis.pk))
        moves.update((now.get(device, ""), one.value) for device, (one, _d) in found.items())
    return moves


def ask_compare(group: TaskGroup, *, by: AbstractBaseUser | None = None) -> Task:
    """Compare as a task; its result is what `compare` gives."""
    return submit("limits.compare", {"group_id": group.pk}, by=by, about=group)


@transaction.atomic
def ask_count(group: TaskGroup, *, by: Pen | None = None) -> Task | None:
    """Make what a group yielded the analyses that count, and judge by them, as a task.

    None where another person must sign as well. Whoever measured what is analysed may not.
    """
    if not group.state.value == "succeeded":
        raise ReanalysisRefused(_("Not all tasks of the group succeeded: repeat those first."))
    analyses = [str(one.uuid) for one in new_analyses(group)]

    def meaning() -> str:
        text = _(
            "I make the %(n)d new analyses of “%(group)s” count, and devices are judged by them"
        )
        return text % {"n": len(analyses), "group": group}

    inside = Device.objects.filter(runs__files__analyses__task__group=group)
    signed = sign(
        by,
        Act.ANALYSIS,
        group,
        named=str(group),
        meaning=meaning,
        told={"analyses": sorted(analyses)},
        needed=signatures_needed(Act.ANALYSIS, campaigns_of(inside)),
    )
    if is_waiting(signed):
        return None
    return submit(
        "limits.make_count",
        {"group_id": group.pk},
        by=None if by is None else by.person,
        about=group,
        key=f"count:{group.pk}",
    )


def count(group: TaskGroup, told: Told = lambda done, total: None) -> int:
    """What that task does; returns how many analyses count. May be called again."""
    analyses = new_analyses(group)
    for number, analysis in enumerate(analyses):
        devices = devices_of(analysis)
        make_count(analysis, devices)
        for start in range(0, len(devices), PIECE):
            judge(analysis, devices[start : start + PIECE])
        # What was done to devices may have been recorded after it was made.
        ask_follow(devices)
        told(number + 1, len(analyses))
    return len(analyses)
