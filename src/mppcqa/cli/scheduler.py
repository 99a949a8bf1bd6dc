"""``mppcqa scheduler``: starts what runs at set times."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django


@click.command()
def scheduler() -> None:
    """Start the scheduler; one a campaign is enough."""
    setup_django()
    from mppcqa.home import home_folder
    from mppcqa.project.celery import app

    app.start(
        [
            *("beat", "--loglevel", "WARNING"),
            *("--scheduler", "mppcqa.queue.scheduler:Scheduler"),
            *("--pidfile", str(home_folder() / "scheduler.pid")),
        ]
    )
