"""``mppcqa bell``: wakes the computers of stations that wait for work."""

from __future__ import annotations

import click

from mppcqa.cli import setup_django


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Where it listens.",
)
def bell(host: str, port: int) -> None:
    """Start what wakes stations that wait for work; without it each asks once a second."""
    setup_django()
    from mppcqa.project.bell import serve

    serve(host, port)
