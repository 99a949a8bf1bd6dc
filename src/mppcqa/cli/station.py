"""``mppcqa station``: all that the computer of a station runs."""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path

import click

from mppcqa.cli.tables import echo
from mppcqa.queue.program_user import SETTING, ProgramUserFault, refuse_unable
from mppcqa.station.agent import Agent
from mppcqa.station.check import check
from mppcqa.station.link import Link
from mppcqa.station.programs import ListFault, read_list
from mppcqa.station.runner import own_user
from mppcqa.station.spool import Spool, SpoolInUse


@click.command()
@click.option("--server", required=True, help="Address of the server, as https://qa.example.org.")
@click.option(
    "--token",
    "token_file",
    required=True,
    type=click.Path(path_type=Path),
    help="File with the station's token.",
)
@click.option(
    "--programs",
    "list_path",
    type=click.Path(path_type=Path),
    help="List of programs (TOML); programs.toml beside the token by default.",
)
@click.option(
    "--spool",
    type=click.Path(path_type=Path),
    help="Folder for what is not brought yet; spool beside the token by default.",
)
@click.option("--ca", type=click.Path(path_type=Path, exists=True), help="Certificates to trust.")
@click.option("--check", "only_check", is_flag=True, help="Say whether all is right, and end.")
def station(
    server: str,
    token_file: Path,
    list_path: Path | None,
    spool: Path | None,
    ca: Path | None,
    only_check: bool,
) -> None:
    """Serve a station from this computer, which needs an address, a token and a list of programs.

    Ctrl-C ends it once what runs has ended and was brought; a second one stops that.
    """
    os.umask(0o077)
    logging.basicConfig(format="%(asctime)s %(message)s", level=logging.INFO, stream=sys.stderr)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    list_path = list_path or token_file.with_name("programs.toml")
    folder = (spool or token_file.with_name("spool")).resolve()
    if only_check:
        faults = check(server, token_file, list_path, folder, ca, echo)
        for fault in faults:
            echo(fault, fg="red", err=True)
        if faults:
            echo("Mend that, and check again.", err=True)
            sys.exit(1)
        echo("All is right: the same command without --check starts it.", fg="green")
        return
    try:
        read_list(list_path, other_user=bool(os.environ.get(SETTING)))
        user = own_user()
        if user is not None:
            refuse_unable(user, [token_file])
    except (ListFault, ProgramUserFault) as error:
        raise click.ClickException(str(error)) from None
    kept = Spool(folder)
    try:
        with kept.only_here():
            agent = Agent(Link(server, token_file, kept.agent(), ca), kept, list_path)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: agent.end())
            agent.serve()
    except (SpoolInUse, OSError) as error:
        raise click.ClickException(str(error)) from None
