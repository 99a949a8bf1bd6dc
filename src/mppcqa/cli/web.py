"""``mppcqa web``: the pages alone, for a service manager."""

from __future__ import annotations

import os

import click

from mppcqa.cli.run import web_server


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="And port."
)
@click.option("--processes", type=click.IntRange(1, 256), help="Two a core by default.")
def web(host: str, port: int, processes: int | None) -> None:
    """Start the web server alone, behind a proxy that speaks TLS; `mppcqa run` starts it too."""
    command = web_server(host, port, processes)
    os.execv(command[0], command)  # noqa: S606  signals of a service manager reach it itself
