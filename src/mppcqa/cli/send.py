"""``mppcqa send``: a file of documents to the database of another campaign."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

TOKEN = "MPPCQA_SEND_TOKEN"  # noqa: S105  (the name of a variable)


@click.command()
@click.argument("database")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option(
    "--settings",
    "given",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="JSON with what the campaign calls things: part type, institution, names of tests.",
)
@click.option("--address", default="", help="Where its service is (https://…).")
@click.option("--look", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option(
    "--report",
    "target",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what became of each item and test to this CSV.",
)
def send(
    database: str, file: Path, given: Path, address: str, look: bool, target: Path | None
) -> None:
    """Send FILE (mppcqa export values FILE.jsonl) to DATABASE: dune or itk.

    What is there already is told and not sent again. The token is taken from the variable
    MPPCQA_SEND_TOKEN, so that no list of processes shows it.
    """
    setup_django()
    from mppcqa.exchange.campaigns import Row, SendRefused, Service
    from mppcqa.exchange.campaigns.sending import find_database, report, rows_of

    def told(row: Row) -> None:
        if look or row.state in ("refused", "stopped"):
            echo(" ".join(one for one in (row.serial, row.what, row.state, row.why) if one))

    token = os.environ.get(TOKEN, "")
    if not look and not (address and token):
        raise click.UsageError(f"name the --address and set {TOKEN}, or --look")
    try:
        settings = _settings(given)
        service = None if look else Service(address, token)
        counts = report(rows_of(find_database(database), file, settings, service), target, told)
    except (SendRefused, OSError) as error:
        raise click.ClickException(str(error)) from None
    echo(", ".join(f"{number} {state}" for state, number in sorted(counts.items())))
    if counts["refused"] or counts["stopped"]:
        raise SystemExit(1)


def _settings(path: Path) -> dict[str, Any]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise click.ClickException(f"{path.name}: no JSON: {error}") from None
    if not isinstance(settings, dict):
        raise click.ClickException(f"{path.name}: no JSON object")
    return settings
