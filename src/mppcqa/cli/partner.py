"""``mppcqa partner``: the tables of Jefferson Lab's campaign, in and out again."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo


@click.group()
def partner() -> None:
    """The tables of Jefferson Lab's campaign (halld_sipm), in and out again."""


@partner.command(name="in")
@click.argument("source")
@click.option("--device-type", default="", help="Type of arrays that are not registered yet.")
def in_(source: str, device_type: str) -> None:
    """From SOURCE: a dump (.sql), a CSV file or a folder of them, or mysql://user:password@host/db.

    Rows are kept as they stand, unknown columns as well; the maker's data and where an array was
    built in become the devices'.
    """
    setup_django()
    from mppcqa.database.ready import make_ready
    from mppcqa.exchange.partner.tables import PartnerFault, read_tables
    from mppcqa.exchange.partner.taking import take_in
    from mppcqa.inventory.actions import RegistrationError

    make_ready()
    try:
        done = take_in(read_tables(source), device_type=device_type)
    except (PartnerFault, RegistrationError, OSError, UnicodeError) as error:
        raise click.ClickException(str(error)) from None
    for name, rows in done.rows.items():
        more = ", ".join(done.unknown_columns[name])
        echo(f"{name}: {rows} rows" + (f"; kept as they stand: {more}" if more else ""))
    echo(f"{done.devices} devices have their data, {done.registered} were registered")
    if done.unknown_devices:
        listed = ", ".join(done.unknown_devices[:10])
        echo(
            f"{len(done.unknown_devices)} are not registered ({listed} …); give --device-type to "
            "register them",
            err=True,
        )


@partner.command(name="out")
@click.argument("target", type=click.Path(path_type=Path))
def out(target: Path) -> None:
    """Into TARGET: a dump (.sql), or a folder with a CSV file a table."""
    setup_django()
    from mppcqa.exchange.partner.tables import write_tables
    from mppcqa.exchange.partner.taking import give_out

    tables = give_out()
    if not tables:
        raise click.ClickException("no table came in yet: mppcqa partner in SOURCE")
    write_tables(tables, target)
    echo(f"{target}: {len(tables)} tables, {sum(len(t.rows) for t in tables)} rows")
