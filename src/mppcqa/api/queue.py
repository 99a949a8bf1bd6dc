"""``/api/v1/tasks``: what waits and runs, its log by offset, stopping it, asking for it again."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from mppcqa.api.asking import one_of, who, with_right
from mppcqa.api.lists import ListQuery, Page, Text, page_of
from mppcqa.api.once import once
from mppcqa.api.runs import Number
from mppcqa.api.said import Said
from mppcqa.queue import again, kill
from mppcqa.queue.logs import read_from
from mppcqa.queue.models import OPEN_STATES, STATION_PREFIX, State, Task
from mppcqa.queue.obstacles import why_waiting
from mppcqa.queue.shipping import fetch
from mppcqa.queue.untrusted import redact_json
from mppcqa.web.bound import seen_tasks
from mppcqa.web.listing.declare import Filter
from mppcqa.web.tasks.listing import TASKS, listed

router = Router(tags=["tasks"])


class TaskRow(Schema):
    """A task as lists have it."""

    id: int
    name: str | None = Field(None, description="Of its routine.")
    title: str | None = None
    state: str | None = None
    lane: str | None = None
    by: str | None = None
    progress: float | None = Field(None, description="From 0 to 1; null where it is not told.")
    created_at: dt.datetime | None = None
    started_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    run_s: float | None = Field(None, description="How long it ran [s].")


class Tasks(Page):
    """A page of tasks."""

    items: list[TaskRow]


class TaskWhole(TaskRow):
    """A task with how it went."""

    attempt: int
    progress_text: str
    exit_status: int | None
    error: str
    waits_for: str = Field("", description="Why it does not begin yet.")
    result: Any = Field(description="What it returned; `report`, `run`, `export` are numbers.")
    kill_requested_at: dt.datetime | None
    messages: list[str]


class TaskQuery(ListQuery):
    """Filters of tasks."""

    state: Text = Field("", description="A state, or open, or ended; empty for all.")
    lane: Text = Field("", description="Of one lane, or of a station by its name; empty for all.")


class LogPiece(Schema):
    """Whole lines of a log from an offset."""

    text: str
    offset: int = Field(description="Where the next piece begins.")
    size: int
    attempt: int
    more: bool = Field(description="Whether there may be more, now or later.")


class LogQuery(Schema):
    """Where to go on."""

    offset: int = Field(0, ge=0, lt=2**62)
    attempt: int | None = Field(
        None, ge=0, lt=32_768, description="The last one where none is said."
    )


def _rows(asked: Mapping[str, str], user: Any) -> QuerySet[Task]:
    rows: QuerySet[Task] = seen_tasks(user).filter(hidden=False)
    if lane := asked.get("lane", ""):
        rows = rows.filter(lane__in=[lane, STATION_PREFIX + lane])
    state = asked.get("state", "")
    if state in State.values:
        return rows.filter(state=state)
    if state == "open":
        return rows.filter(state__in=OPEN_STATES)
    return rows.exclude(state__in=OPEN_STATES) if state == "ended" else rows


STATE = Filter("state", "State", lambda: [("open", ""), ("ended", ""), *State.choices])
LANE = Filter("lane", "Lane")
ALL = replace(TASKS, rows=_rows, filters=(STATE, LANE))


def _item(row: Any) -> dict[str, Any]:
    total = row.progress_total
    times = ("created_at", "started_at", "ended_at", "run_s", "name", "lane")
    return {
        "id": row.pk,
        "title": str(row.title),
        "state": str(row.state),
        "by": row.asker,
        "progress": row.progress_done / total if total else None,
        **{name: getattr(row, name) for name in times},
    }


@router.get("", response=Tasks, summary="List tasks", exclude_unset=True)
def task_list(request: HttpRequest, asked: Query[TaskQuery]) -> Any:
    """Tasks, the newest first."""
    return page_of(
        request, Tasks, ALL, asked, lambda rows: [_item(row) for row in rows], show=listed
    )


def seen_task(user: Any, number: int) -> Task:
    """A task that a person sees; 404 where there is none."""
    found: Task = one_of(seen_tasks(user), "task", pk=number)
    return found


def whole(request: HttpRequest, number: int) -> dict[str, Any]:
    """A task with how it goes."""
    rows = seen_tasks(who(request)).annotate(asker=F("requested_by__username"))
    row = one_of(rows, "task", pk=number)
    return {
        **_item(row),
        "attempt": row.attempt,
        "progress_text": row.progress_text,
        "exit_status": row.exit_status,
        "error": row.error_text,
        "waits_for": why_waiting(row),
        "result": redact_json(row.result),
        "kill_requested_at": row.kill_requested_at,
        "messages": [str(one) for one in row.messages.all()[:50]],
    }


@router.get("/{number}", response=TaskWhole, summary="One task")
def task(request: HttpRequest, number: Path[Number]) -> Any:
    """How a task goes, or went."""
    return whole(request, number)


@router.get("/{number}/log", response=LogPiece, summary="A log from an offset")
def log(request: HttpRequest, number: Path[Number], asked: Query[LogQuery]) -> Any:
    """What was added since `offset`: ask again from the answer's `offset` while `more`."""
    row: Task = one_of(seen_tasks(who(request)), "task", pk=number)
    attempt = row.attempt if asked.attempt is None else asked.attempt
    piece = read_from(fetch(row.pk, attempt), asked.offset)
    return {
        "text": piece.text,
        "offset": piece.offset,
        "size": piece.size,
        "attempt": attempt,
        "more": piece.offset < piece.size or (row.is_open and attempt == row.attempt),
    }


class Kill(Said):
    """Why it is stopped."""

    reason: Text = ""


@router.post("/{number}/kill", response=TaskWhole, summary="Stop a task")
@once
def stop(request: HttpRequest, number: Path[Number], said: Kill) -> Any:
    """Stop it: at once where it has not begun, through its worker where it runs."""
    user = with_right(request, "queue.change_task")
    kill(one_of(seen_tasks(user), "task", pk=number), by=user, reason=said.reason)
    return whole(request, number)


@router.post("/{number}/again", response={201: TaskWhole}, summary="Ask for a task again")
@once
def repeat(request: HttpRequest, number: Path[Number]) -> Any:
    """The same again as a new task; 409 while it is under way."""
    user = with_right(request, "queue.add_task")
    made = again(one_of(seen_tasks(user), "task", pk=number), by=user)
    return Status(201, whole(request, made.pk))
