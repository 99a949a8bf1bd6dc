"""Runs as lists show them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from django.db.models import F, QuerySet

from mppcqa.queue.models import State, Task, group_state
from mppcqa.testing.models import Run
from mppcqa.web.stages import stage_titles


def listed(rows: QuerySet[Run]) -> QuerySet[Run]:
    """What lists show of runs: of the station and of who ran it just the names."""
    own = rows.only("stage", "created_at", "task_group")
    return own.annotate(station_name=F("station__name"), operator_name=F("operator__username"))


def described(runs: Iterable[Run]) -> list[Run]:
    """The runs, each with the title of its stage and with the state of its tasks in `shown_state`.

    One query for all: their tasks as objects would take most of the page's time.
    """
    runs = list(runs)
    titles = stage_titles()
    states: dict[int, list[str]] = defaultdict(list)
    tasks = Task.objects.filter(group__in=[run.task_group_id for run in runs if run.task_group_id])
    for group, state in tasks.order_by().values_list("group", "state"):
        states[group].append(state)
    for run in runs:
        run.stage_title = titles.get(run.stage, run.stage)
        mine = states.get(run.task_group_id)
        run.shown_state = group_state(mine) if mine else State.SUCCEEDED
    return runs
