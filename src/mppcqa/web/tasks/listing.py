"""The list of tasks, and what is done with many of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mppcqa.queue import again, kill
from mppcqa.queue.clock import zone
from mppcqa.queue.models import DEFAULT_LANE, OPEN_STATES, Lane, State, Task, lane_title
from mppcqa.queue.registry import all_routines, find
from mppcqa.typed import day
from mppcqa.web.bound import seen_tasks
from mppcqa.web.listing.declare import Bulk, Column, Effect, Filter, Listing
from mppcqa.web.paging import Order

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

READ = (
    *("name", "state", "lane", "priority", "progress_done", "progress_total"),
    *("not_before", "expires_at"),
    *("created_at", "started_at", "ended_at", "run_s", "group"),
)
"""What a list shows; arguments, results and tracebacks may be long."""

NUMBER = Column("number", "#", sort="id", css="number")
TASK = Column("task", gettext_lazy("Task"))
STATE = Column("state", gettext_lazy("State"))
ASKER = Column("asker", gettext_lazy("By"))
NOW = (
    *(NUMBER, TASK, STATE, Column("waits_for", gettext_lazy("Waits for"))),
    Column("starts", gettext_lazy("Starts about"), css="text-nowrap"),
    Column("priority", gettext_lazy("Priority"), css="number"),
    Column("not_before", gettext_lazy("Not before"), css="text-nowrap", if_any="not_before"),
    Column("expires_at", gettext_lazy("Latest start"), css="text-nowrap", if_any="expires_at"),
    ASKER,
)
"""Of those that run or wait."""
RAN = (
    *(NUMBER, STATE, Column("created_at", gettext_lazy("Asked for"), css="text-nowrap")),
    Column("seconds", gettext_lazy("Run time"), css="number"),
)
"""Of one routine, where it ran."""


def listed(rows: QuerySet[Task], *more: str) -> QuerySet[Task]:
    """What lists show of tasks: of their group and of who asked just the names."""
    own = rows.only(*READ, *more)
    return own.annotate(asker=F("requested_by__username"), group_title=F("group__title"))


def _every(user: Any) -> QuerySet[Task]:
    return seen_tasks(user)  # type: ignore[no-any-return]


def _chosen(asked: QueryDict, user: Any) -> QuerySet[Task]:
    """By all that is no state: routine, person, lane, day, and whether archived."""
    rows = seen_tasks(user).filter(hidden="archived" in asked and asked["archived"] == "1")
    if routine := asked.get("routine"):
        rows = rows.filter(name=routine)
    if by := asked.get("by", "").strip():
        rows = rows.filter(requested_by__username=by)
    if lane := asked.get("lane"):
        rows = rows.filter(lane=lane)
    for name, later, column in (("from", 0, "created_at__gte"), ("to", 1, "created_at__lt")):
        date = day(asked.get(name))
        if date is not None and dt.date.min < date < dt.date.max - dt.timedelta(days=1):
            whole = date + dt.timedelta(days=later)
            rows = rows.filter(**{column: dt.datetime.combine(whole, dt.time(), tzinfo=zone())})
    return rows  # type: ignore[no-any-return]


def _routines() -> list[tuple[str, Any]]:
    return sorted(((one.name, one.title) for one in all_routines()), key=lambda one: str(one[1]))


def _lanes() -> list[tuple[str, str]]:
    names = Lane.objects.order_by("name").values_list("name", flat=True)
    return [(DEFAULT_LANE, DEFAULT_LANE), *((n, lane_title(n)) for n in names if n != DEFAULT_LANE)]


def _rows(asked: QueryDict, user: Any) -> QuerySet[Task]:
    state, rows = asked.get("state", ""), _chosen(asked, user)
    if state in State.values:
        return rows.filter(state=state)
    if state == "open":
        return rows.filter(state__in=OPEN_STATES)
    return rows.exclude(state__in=OPEN_STATES)


def _tasks(keys: list[int]) -> list[Task]:
    return list(Task.objects.filter(pk__in=keys).order_by("pk"))


def _name(task: Task) -> str:
    return f"{task.title} #{task.pk}"


def _may_kill(keys: list[int]) -> list[Effect]:
    ended = _("It has ended already.")
    return [Effect(one.pk, _name(one), "" if one.is_open else ended) for one in _tasks(keys)]


def _kill(keys: list[int], reason: str, by: AbstractBaseUser) -> str:
    n = sum(kill(task, by=by, reason=reason) for task in _tasks(keys))
    return str(ngettext("%d task is being stopped.", "%d tasks are being stopped.", n) % n)


def _may_repeat(keys: list[int]) -> list[Effect]:
    found = []
    for one in _tasks(keys):
        refused = ""
        if one.is_open:
            refused = _("It has not ended yet.")
        elif find(one.name) is None:
            refused = _("There is no such routine any more.")
        found.append(Effect(one.pk, _name(one), refused))
    return found


@transaction.atomic
def _repeat(keys: list[int], _reason: str, by: AbstractBaseUser) -> str:
    n = len([again(task, by=by) for task in _tasks(keys)])
    return ngettext("%d task was asked for.", "%d tasks were asked for.", n) % n


TASKS = Listing(
    name="tasks",
    title=gettext_lazy("Tasks"),
    columns=(
        *(NUMBER, TASK, STATE, Column("lane", gettext_lazy("Lane"))),
        Column("created_at", gettext_lazy("Asked for"), css="text-nowrap"),
        ASKER,
        Column("seconds", gettext_lazy("Run time"), css="number"),
        Column("priority", gettext_lazy("Priority"), css="number", shown=False),
        Column("not_before", gettext_lazy("Not before"), css="text-nowrap", shown=False),
        Column("expires_at", gettext_lazy("Latest start"), css="text-nowrap", shown=False),
    ),
    rows=_rows,
    every=_every,
    cells="web/tasks/cells.html",
    order=Order("id", descending=True),
    filters=(
        Filter(
            "state",
            gettext_lazy("State"),
            lambda: [("open", gettext_lazy("not ended")), *State.choices],
            first=gettext_lazy("ended"),
        ),
        Filter("routine", gettext_lazy("Routine"), _routines),
        Filter("by", gettext_lazy("By")),
        Filter("lane", gettext_lazy("Lane"), _lanes),
        Filter("from", gettext_lazy("From day")),
        Filter("to", gettext_lazy("To day")),
        Filter(
            "archived",
            gettext_lazy("Archived"),
            lambda: [("1", gettext_lazy("archived"))],
            first=gettext_lazy("not archived"),
        ),
    ),
    show=listed,
    bulk=(
        Bulk("kill", gettext_lazy("Stop"), "queue.change_task", _may_kill, _kill, reason=True),
        Bulk("again", gettext_lazy("Run again"), "queue.add_task", _may_repeat, _repeat),
    ),
)
