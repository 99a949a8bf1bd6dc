"""``mppcqa tasks`` and ``mppcqa task``: the queue in a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click

from mppcqa.cli import setup_django
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
def tasks(state: str, lane: str, limit: int) -> None:
    """List tasks, the newest first."""
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
        table.add_row(
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
def show(number: int) -> None:
    """All that is known of a task."""
    found = _find(number)
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
            click.echo(f"{name:>10}  {text}")


@task.command()
@click.argument("number", type=int)
@click.option("-f", "--follow", is_flag=True, help="Go on as it grows, until the task has ended.")
@click.option("--attempt", type=int, help="Another attempt than the last.")
@click.option("--search", default="", help="Only lines that contain this text.")
def log(number: int, follow: bool, attempt: int | None, search: str) -> None:
    """The log of a task."""
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
                click.echo(line)
        if piece.offset > offset:
            offset = piece.offset
            continue
        if not follow or not found.is_open or (attempt and attempt != found.attempt):
            break
        time.sleep(0.3)
    if not path.is_file():
        state = found.get_state_display()
        raise click.ClickException(
            f"Task {number} ({state}) has no log: it did not begin, or its log was removed."
        )


@task.command()
@click.argument("number", type=int)
@click.option("--reason", default="", help="Kept with the task.")
@click.option("--wait/--no-wait", default=True, help="Return once it has ended.")
def kill(number: int, reason: str, wait: bool) -> None:
    """Stop a task with everything that it started."""
    found = _find(number)
    from mppcqa.queue import kill as kill_task

    if not kill_task(found, reason=reason or "stopped from the command line"):
        raise click.ClickException(f"Task {number} has ended already ({found.state}).")
    while wait:
        found.refresh_from_db()
        if not found.is_open:
            break
        time.sleep(0.2)
    click.echo(f"task {number}: {found.get_state_display()}")


@task.command()
@click.argument("number", type=int)
def again(number: int) -> None:
    """Ask for the same once more."""
    found = _find(number)
    from mppcqa.queue import again as ask_again
    from mppcqa.queue.errors import SubmitError

    try:
        repeated = ask_again(found)
    except SubmitError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"task {repeated.pk} was asked for")
