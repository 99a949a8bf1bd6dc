"""``mppcqa run``: web server, workers and scheduler under one parent."""

from __future__ import annotations

import fcntl
import os
import socket
import sys
from pathlib import Path
from typing import IO

import click

from mppcqa.cli import setup_django
from mppcqa.cli.processes import EVERYWHERE, Crew, usable_cores
from mppcqa.cli.tables import echo
from mppcqa.home import RUNNING, home_folder
from mppcqa.queue.offspring import adopt

MOST_WEB_PROCESSES = 16
"""Each holds some connections of the database server."""


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="Where the pages are served.",
)
@click.option("--workers", default=2, show_default=True, help="Tasks that run at the same time.")
@click.option("--demo/--no-demo", default=True, help="Fill an empty database with a demonstration.")
@click.option("--arrays", default=8, show_default=True, help="Arrays of the demonstration.")
def run(host: str, port: int, workers: int, demo: bool, arrays: int) -> None:
    """Start everything on this machine; Ctrl-C stops it again."""
    home = home_folder()
    here = EVERYWHERE.get(host, host)
    served = f"http://[{here}]:{port}" if ":" in here else f"http://{here}:{port}"
    os.environ["MPPCQA_SERVED"] = served
    address = os.environ.get("MPPCQA_URL") or served
    _refuse_taken_port(host, port)
    with _only_one(home, served):
        _prepare_database()
        code = _first_code()
        adopt()
        try:
            with Crew(home / "logs") as crew:
                _start(crew, host, port, workers)
                _greet(address, code)
                _tell_others(host, port)
                _tell_switched_off()
                if demo and _is_empty():
                    _fill(arrays, crew)
                    echo(f"mppcqa runs at {address}; Ctrl-C stops everything.")
                crew.watch()
        except KeyboardInterrupt:
            echo("stopped")


def _start(crew: Crew, host: str, port: int, workers: int) -> None:
    worker = [*_mppcqa(), "worker", "--concurrency", str(workers)]
    crew.start("worker", worker, may_end=True)
    crew.start("scheduler", [*_mppcqa(), "scheduler"])
    crew.start("web", web_server(host, port))
    crew.start("fitter", [*_mppcqa(), "fitter"])
    bell_port = port + 1 if port < 65535 else 0
    crew.start("bell", [*_mppcqa(), "bell", "--host", host, "--port", str(bell_port)])
    crew.wait_for_port(host, port)


def _fill(arrays: int, crew: Crew) -> None:
    from mppcqa.cli.demo import fill

    echo(
        "The database is empty: a demonstration campaign runs through the queue. "
        "Watch it on the pages."
    )
    fill(arrays=arrays, meanwhile=crew.check)


def _tell_others(host: str, port: int) -> None:
    """By which names other computers reach it, or that they are refused."""
    if host not in EVERYWHERE:
        return
    names = [one for one in os.environ.get("MPPCQA_HOSTS", "").replace(" ", "").split(",") if one]
    if names:
        told = ", ".join(f"http://{one}:{port}" for one in names)
        echo(f"Other computers reach it at {told}.")
    elif not os.environ.get("MPPCQA_URL"):
        echo(
            "Other computers are refused: name what they call this one in MPPCQA_HOSTS, as "
            f"MPPCQA_HOSTS={socket.gethostname()} mppcqa run --host {host}"
        )


def _mppcqa() -> list[str]:
    return [sys.executable, "-m", "mppcqa.cli"]


def web_server(host: str, port: int, processes: int | None = None) -> list[str]:
    """The command that serves the pages.

    A browser keeps its connection, and a connection keeps its process: with one process a core,
    whoever came to the same one as three others waits for them while another core has nothing to
    do (half the requests a second, measured). Hence two a core, which share what one has loaded.
    """
    processes = processes or min(2 * usable_cores(), MOST_WEB_PROCESSES)
    return [
        *(sys.executable, "-m", "gunicorn", "mppcqa.project.wsgi", "--preload"),
        *("--bind", f"{host}:{port}", "--workers", str(processes), "--threads", "2"),
        *("--worker-class", "mppcqa.project.refusing.Worker"),
        *("--no-control-socket", "--limit-request-line", "8190"),
    ]


def _refuse_taken_port(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise click.ClickException(
                f"Can't listen on {host}:{port} ({error.strerror}). Another program uses this "
                f"port, or the address is not this machine's. Choose another with --port, for "
                f"example: make run ARGS='--port {port + 1}'"
            ) from None


class _only_one:
    """Holds a lock on the home folder, so that two parents never share one database file.

    Others read in it where this one listens.
    """

    def __init__(self, home: Path, served: str) -> None:
        self.path, self.served = home / RUNNING, served
        self.file: IO[str] | None = None

    def __enter__(self) -> None:
        self.file = self.path.open("a")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise click.ClickException(
                f"mppcqa runs already with the home folder {self.path.parent}. Stop it first, or "
                "name another folder with the environment variable MPPCQA_HOME."
            ) from None
        self.file.truncate(0)
        self.file.write(self.served)
        self.file.flush()

    def __exit__(self, *_: object) -> None:
        assert self.file is not None  # noqa: S101
        self.file.close()


def _prepare_database() -> None:
    setup_django()
    from django.core.management import call_command
    from django.db import OperationalError, connection

    try:
        connection.ensure_connection()
    except OperationalError as error:
        raise click.ClickException(
            f"The database does not answer: {error}. Check MPPCQA_DATABASE and that the server "
            "runs."
        ) from None
    call_command("migrate", verbosity=0, interactive=False)


def _is_empty() -> bool:
    from mppcqa.inventory.models import Device

    return not Device.objects.exists()


def _first_code() -> str | None:
    from mppcqa.people.first import first_code

    return first_code()


def _tell_switched_off() -> None:
    from mppcqa.stages import broken_stages

    for broken in broken_stages():
        echo(f"{broken}. `mppcqa check` says more.", fg="yellow", err=True)


def _greet(url: str, code: str | None) -> None:
    from rich.console import Console
    from rich.panel import Panel

    lines = [f"[bold]mppcqa runs at {url}[/bold]", ""]
    lines += [
        f"devices and verdicts   {url}/devices/",
        f"runs, with their logs  {url}/runs/",
        f"the task queue         {url}/queue/",
        "",
        "Ctrl-C stops everything.",
    ]
    Console(highlight=False).print(Panel("\n".join(lines), expand=False))
    if code:  # outside of the frame, which would break a long link
        echo("Nobody has an account yet; make the first administrator's here:")
        echo(f"{url}/welcome/first/?code={code}")
