"""``mppcqa states``: where devices are in their life, and what may be done with them."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import echo

TOLD = 50


@click.group()
def states() -> None:
    """States of devices, and the moves between them."""


@states.command()
@click.option("--repair", is_flag=True, help="Set right what the facts say clearly.")
@json_option("One JSON object a device instead of text.")
def check(repair: bool, as_json: bool) -> None:
    """Compare stored states with stations and shipments; exit status 1 if something is left."""
    setup_django()
    from mppcqa.runs.state_check import check_states

    faults = check_states(repair=repair)
    for fault in faults if as_json else faults[:TOLD]:
        echo(json.dumps(asdict(fault)) if as_json else str(fault))
    left = [fault for fault in faults if not (repair and fault.facts)]
    if not as_json:
        if len(faults) > TOLD:
            echo(f"and {len(faults) - TOLD} more")
        mended = len(faults) - len(left)
        echo(f"{len(faults)} differences, {mended} set right.")
    if left:
        raise SystemExit(1)


@states.command()
def table() -> None:
    """Print the permitted moves, as docs/device-states.md has them."""
    setup_django()
    from mppcqa.inventory.states import table_as_text

    echo(table_as_text(), nl=False, lines=True)
