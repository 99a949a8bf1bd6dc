"""The list of runs, and how other pages show some of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from mppcqa.queue.models import State, Task, group_state
from mppcqa.results.selection import chosen_runs
from mppcqa.runs.models import Run, Station
from mppcqa.web.listing.declare import Column, Filter, Listing
from mppcqa.web.paging import Order
from mppcqa.web.shown import say_of
from mppcqa.web.stages import stage_titles

RUN = Column("run", gettext_lazy("Run"), sort="id", css="text-nowrap")
STATE = Column("shown_state", gettext_lazy("State"))
STAGE = Column("stage_title", gettext_lazy("Stage"), css="text-nowrap")
STATION = Column("station_name", gettext_lazy("Station"), css="text-nowrap")
STARTED = Column("created_at", gettext_lazy("Started"), css="text-nowrap")
OPERATOR = Column("operator_name", gettext_lazy("Operator"))
COLUMNS = (RUN, STATE, STAGE, STATION, STARTED, OPERATOR)
AT_A_STATION = (RUN, STATE, STARTED, OPERATOR)


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
    states: dict[int, dict[int, str]] = defaultdict(dict)
    repeated: set[int] = set()
    tasks = Task.objects.filter(group__in=[run.task_group_id for run in runs if run.task_group_id])
    for group, pk, state, repeat_of in tasks.order_by().values_list(
        "group", "pk", "state", "repeat_of"
    ):
        states[group][pk] = state
        repeated.add(repeat_of or 0)
    for run in runs:
        of_run = states[run.task_group_id or 0].items()
        mine = [state for pk, state in of_run if pk not in repeated]
        shown = group_state(mine) if mine else State.SUCCEEDED
        say_of(run, stage_title=titles.get(run.stage, run.stage), shown_state=shown)
    return runs


def _rows(asked: QueryDict, user: Any) -> QuerySet[Run]:
    # A stage that is not installed any more has its runs, and one that never was has none.
    return chosen_runs({name: asked.get(name, "") for name in ("stage", "station")}, user)


def _describe(rows: list[Any]) -> dict[str, Any]:
    described(rows)
    return {}


RUNS = Listing(
    name="runs",
    title=gettext_lazy("Runs"),
    columns=COLUMNS,
    rows=_rows,
    cells="web/runs/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter("stage", gettext_lazy("Stage"), lambda: stage_titles().items()),
        Filter(
            "station",
            gettext_lazy("Station"),
            lambda: [(name, name) for name in Station.objects.values_list("name", flat=True)],
        ),
    ),
    show=listed,
    describe=_describe,
    export="runs",
)
