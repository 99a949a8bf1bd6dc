"""``mppcqa worker``: runs tasks."""

from __future__ import annotations

import os

import click

from mppcqa.cli import setup_django


@click.command()
@click.option("--lane", "lanes", multiple=True, help="Lane to serve; `work` by default.")
@click.option("--station", "stations", multiple=True, help="Station of this computer to serve.")
@click.option("--concurrency", default=2, show_default=True, type=click.IntRange(1, 256))
def worker(lanes: tuple[str, ...], stations: tuple[str, ...], concurrency: int) -> None:
    """Start a worker, for a station or for shared work; Ctrl-C stops it after its tasks."""
    setup_django()
    from mppcqa.project.celery import app
    from mppcqa.queue.models import DEFAULT_LANE, queue_name

    names = [*lanes, *(f"station:{name}" for name in stations)] or [DEFAULT_LANE]
    # Named in the settings because the command line of Celery knows only its own pools.
    app.conf.worker_pool = "mppcqa.queue.pool:TaskPool"
    app.worker_main(
        [
            *("worker", "--loglevel", "WARNING"),
            *("--concurrency", str(concurrency), "--without-gossip", "--without-mingle"),
            *("--hostname", f"worker-{os.getpid()}@%h"),
            *("--queues", ",".join(queue_name(name) for name in names)),
        ]
    )
