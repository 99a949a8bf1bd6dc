"""``mppcqa tasks`` and ``mppcqa task``: the queue in a terminal."""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.asking import Asked, asks, at_a_server, cell, is_elsewhere, of_a_server
from mppcqa.cli.tables import add_row, echo
from mppcqa.cli.tables import show as show_table

if TYPE_CHECKING:
    from mppcqa.queue.models import Task

COLOURS = {
    "succeeded": "green",
    "running": "blue",
    "failed": "red",
    "killed": "yellow",
    "timed_out": "red",
    "lost": "red",
    "expired": "yellow",
}


@click.command()
@click.option("--state", default="", help="Only this state, or `open`.")
@click.option("--lane", default="", help="Only this lane or station.")
@click.option(
    "--limit",
    default=30,
    show_default=True,
    type=click.IntRange(1, 10_000),
    help="How many, the newest first.",
)
@at_a_server
def tasks(state: str, lane: str, limit: int, as_json: bool, **where: Any) -> None:
    """List tasks, the newest first."""
    if as_json or is_elsewhere(**where):
        _list_told(state, lane, limit, as_json=as_json, name="", **where)
    else:
        _list_here(state, lane, limit)


@asks
def _list_told(asked: Asked, state: str, lane: str, limit: int) -> None:
    chosen = {key: text for key, text in (("state", state), ("lane", lane)) if text}
    rows = asked.client.tasks(**chosen, limit=min(limit, 500))
    asked.tell_rows([dict(row) for row in islice(rows, limit)])


def _list_here(state: str, lane: str, limit: int) -> None:
    setup_django()
    from rich.table import Table

    from mppcqa.queue.models import OPEN_STATES, STATION_PREFIX, State, Task, lane_title

    rows = Task.objects.filter(hidden=False).select_related("requested_by")
    if state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif state:
        if state not in State.values:
            raise click.ClickException(
                f"There is no state {state!r}. Choose from: open, {', '.join(State.values)}."
            )
        rows = rows.filter(state=state)
    if lane:
        rows = rows.filter(lane__in=[lane, STATION_PREFIX + lane])
    table = Table("number", "task", "lane", "state", "progress", "time", "asked by")
    for row in rows[:limit]:
        seconds = row.seconds
        add_row(
            table,
            str(row.pk),
            row.title,
            lane_title(row.lane),
            f"[{COLOURS.get(row.state, 'default')}]{row.get_state_display()}",
            f"{row.percent} %",
            "" if seconds is None else f"{seconds:.1f} s",
            str(row.requested_by or ""),
        )
    show_table(table)


@click.group()
def task() -> None:
    """Show, follow, kill or repeat one task."""


def _find(number: int) -> Task:
    setup_django()
    from mppcqa.queue.models import Task

    found = Task.objects.filter(pk=number).first()
    if found is None:
        raise click.ClickException(f"There is no task {number}. `mppcqa tasks` lists them.")
    return found


@task.command()
@click.argument("number", type=int)
@at_a_server
def show(number: int, as_json: bool, **where: Any) -> None:
    """All that is known of a task, of one that failed also why."""
    if as_json or is_elsewhere(**where):
        _show_told(number, as_json=as_json, name="", **where)
    else:
        _show_here(_find(number))


@asks
def _show_told(asked: Asked, number: int) -> None:
    told = dict(asked.client.task(number))
    asked.tell(told, "\n".join(f"{key:>17}  {text}" for key in told if (text := cell(told[key]))))


def _show_here(found: Task) -> None:
    import json

    from mppcqa.queue.models import lane_title
    from mppcqa.queue.obstacles import why_waiting
    from mppcqa.queue.untrusted import redact_json

    facts = {
        "task": f"{found.title} ({found.name})",
        "state": str(found.get_state_display()),
        "waits for": why_waiting(found),
        "arguments": json.dumps(redact_json(found.arguments)),
        "about": f"{found.about_model} {found.about_id}".strip(),
        "asked by": str(found.requested_by or ""),
        "lane": lane_title(found.lane),
        "attempt": str(found.attempt),
        "worker": found.worker,
        "asked": found.created_at.isoformat(timespec="seconds"),
        "started": found.started_at.isoformat(timespec="seconds") if found.started_at else "",
        "ended": found.ended_at.isoformat(timespec="seconds") if found.ended_at else "",
        "progress": f"{found.percent} % {found.progress_text}".strip(),
        "result": json.dumps(redact_json(found.result)) if found.result is not None else "",
        "error": found.error_text,
        "killed by": str(found.kill_requested_by or "") if found.kill_requested_at else "",
        "reason": found.kill_reason,
    }
    for name, text in facts.items():
        if text:
            echo(f"{name:>10}  {text}", lines=True)


@task.command()
@click.argument("number", type=int)
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows, until the task has ended.")
@click.option("--attempt", type=int, help="Another attempt than the last.")
@click.option("--search", default="", help="Only lines that contain this text.")
@of_a_server
def log(number: int, follow: bool, attempt: int | None, search: str, **where: Any) -> None:
    """The log of a task."""
    if is_elsewhere(**where):
        _log_told(number, follow, attempt, search, as_json=False, name="", **where)
    else:
        _log_here(number, follow, attempt, search)


@asks
def _log_told(asked: Asked, number: int, follow: bool, attempt: int | None, search: str) -> None:
    of = {} if attempt is None else {"attempt": attempt}
    offset, more = 0, True
    while more:
        piece = asked.client.get("tasks", number, "log", offset=offset, **of)
        for line in piece["text"].splitlines():
            if search.lower() in line.lower():
                echo(line)
        waits = piece["offset"] == offset
        offset, more = piece["offset"], piece["more"] and (follow or not waits)
        if more and waits:
            time.sleep(0.5)
    if not offset:
        told = asked.client.get("tasks", number)
        why = told["error"] or told.get("waits_for", "")
        began = told["started_at"] is not None
        raise click.ClickException(_no_log(number, told["state"], why, began=began))


def _log_here(number: int, follow: bool, attempt: int | None, search: str) -> None:
    found = _find(number)
    from mppcqa.queue.logs import read_from
    from mppcqa.queue.shipping import fetch

    if not 0 < (attempt or 1) <= max(1, found.attempt):
        raise click.ClickException(f"Task {number} has no attempt {attempt}, only {found.attempt}.")
    offset, shown = 0, attempt or found.attempt
    while True:
        found.refresh_from_db()
        if shown != (attempt or found.attempt):
            # It is tried again: a new log, from its beginning.
            offset, shown = 0, found.attempt
        path = fetch(found.pk, shown)
        piece = read_from(path, offset)
        for line in piece.text.splitlines():
            if search.lower() in line.lower():
                echo(line)
        if piece.offset > offset:
            offset = piece.offset
            continue
        if not follow or not found.is_open or (attempt and attempt != found.attempt):
            break
        time.sleep(0.3)
    if not path.is_file():
        from mppcqa.queue.obstacles import why_waiting

        state = str(found.get_state_display())
        why = found.error_text or why_waiting(found)
        raise click.ClickException(_no_log(number, state, why, began=found.started_at is not None))


def _no_log(number: int, state: str, why: str, *, began: bool) -> str:
    """Why there is none, as far as that is known."""
    reason = "its log was removed" if began else "it did not begin"
    return f"Task {number} ({state}) has no log: {reason}." + (why and f"\n{state}: {why}")


@task.command()
@click.argument("number", type=int)
@click.option("--reason", default="", help="Kept with the task.")
@click.option("--wait/--no-wait", default=True, help="Return once it has ended.")
@of_a_server
def kill(number: int, reason: str, wait: bool, **where: Any) -> None:
    """Stop a task with everything that it started."""
    reason = reason or "stopped from the command line"
    if is_elsewhere(**where):
        _kill_told(number, reason, wait, as_json=False, name="", **where)
    else:
        _kill_here(number, reason, wait)


@asks
def _kill_told(asked: Asked, number: int, reason: str, wait: bool) -> None:
    from mppcqa.client import ENDED

    found = asked.client.task(number)
    if found["state"] in ENDED:
        raise click.ClickException(_too_late(number, found["state"]))
    found = asked.client.stop(number, reason)
    while wait and found["state"] not in ENDED:
        time.sleep(0.2)
        found = asked.client.task(number)
    echo(f"task {number}: {found['state']}")


def _kill_here(number: int, reason: str, wait: bool) -> None:
    found = _find(number)
    from mppcqa.queue import kill as kill_task

    if not kill_task(found, reason=reason):
        raise click.ClickException(_too_late(number, found.state))
    while wait:
        found.refresh_from_db()
        if not found.is_open:
            break
        time.sleep(0.2)
    echo(f"task {number}: {found.get_state_display()}")


def _too_late(number: int, state: str) -> str:
    return f"Task {number} has ended already ({state})."


@task.command()
@click.argument("number", type=int)
@of_a_server
def again(number: int, **where: Any) -> None:
    """Ask for the same once more."""
    if is_elsewhere(**where):
        _again_told(number, as_json=False, name="", **where)
    else:
        _again_here(number)


@asks
def _again_told(asked: Asked, number: int) -> None:
    echo(f"task {asked.client.send('tasks', number, 'again')['id']} was asked for")


def _again_here(number: int) -> None:
    found = _find(number)
    from mppcqa.queue import again as ask_again
    from mppcqa.queue.errors import SubmitError

    try:
        repeated = ask_again(found)
    except SubmitError as error:
        raise click.ClickException(str(error)) from None
    echo(f"task {repeated.pk} was asked for")
