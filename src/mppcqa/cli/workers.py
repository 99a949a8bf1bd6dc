"""``mppcqa workers``: who works, on what, and since when."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import add_row, echo, show


@click.command()
@click.option("--all", "everyone", is_flag=True, help="Those that have stopped as well.")
@click.option("--drain", default="", help="Let this worker end its tasks and stop.")
@click.option("--stop", default="", help="Stop this worker at once: what it runs is killed.")
def workers(everyone: bool, drain: str, stop: str) -> None:
    """List workers."""
    setup_django()
    from django.utils import timezone
    from rich.table import Table

    from mppcqa.queue.actions import drain as drain_worker
    from mppcqa.queue.actions import stop_worker
    from mppcqa.queue.models import Worker, queue_title

    if name := drain or stop:
        found = Worker.objects.filter(name=name, stopped_at=None).first()
        if found is None:
            raise click.ClickException(f"No worker {name!r} is running. `mppcqa workers` lists.")
        if stop:
            echo(f"{name} stops; tasks that it ran: {stop_worker(found)}")
        else:
            drain_worker(found)
            echo(f"{name} takes no new task and stops when its tasks have ended")
        return
    rows = Worker.objects.all() if everyone else Worker.objects.filter(stopped_at=None)
    table = Table("worker", "lanes", "processes", "version", "heartbeat", "load", "runs")
    now = timezone.now()
    for row in rows:
        age = (now - row.heartbeat_at).total_seconds()
        add_row(
            table,
            row.name,
            ", ".join(queue_title(name) for name in row.lanes),
            str(row.concurrency),
            row.version,
            "stopped" if row.stopped_at else f"{age:.0f} s ago" + ", ending" * row.is_ending,
            "" if row.load is None else f"{row.load:.1f}",
            ", ".join(f"#{number}" for number in row.running().values_list("pk", flat=True)),
        )
    show(table)
