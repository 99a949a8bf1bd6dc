"""``mppcqa import assembly``: a table that says what is part of what, and when."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo


@click.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--replace", is_flag=True, help="Take out what sits at a place already.")
def assembly(file: Path, replace: bool) -> None:
    """Take in FILE, a table with the columns serial, part_of, pos (or module, row, col,
    bias_channel), from, to (dates as 2027-03-31) and reason: all of it, or nothing.

    Without a date in "to" it holds now. "mppcqa export assembly" writes such a table.
    """
    setup_django()
    from mppcqa.database.ready import make_ready
    from mppcqa.exchange.assembly import take_assembly
    from mppcqa.inventory.assembly import AssemblyRefused
    from mppcqa.tables import TableError

    make_ready()
    try:
        done, notes = take_assembly(file, viewer=None, replace=replace)
    except AssemblyRefused as error:
        for fault in error.faults[:200]:
            echo(fault, err=True)
        raise click.ClickException(f"{len(error.faults)} faults, nothing was taken in") from None
    except (TableError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for note in notes:
        echo(note)
    echo(f"{done.new} mounted, {done.ended} ended, {done.unchanged} were known already")
