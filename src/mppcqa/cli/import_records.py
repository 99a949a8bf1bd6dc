"""``mppcqa import records``: what was done to devices, from CSV, Excel or Parquet."""

from __future__ import annotations

from pathlib import Path

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

SHOWN = 50


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--kind", default="", help="Kind of all rows, where the table has no such column.")
@click.option("--delimiter", default="", help="Found out if not given; 'tab' for a tab.")
@click.option("--encoding", default="", help="Found out if not given.")
@click.option(
    "--decimal", type=click.Choice([".", ","]), default=None, help="Found out if not given."
)
@click.option("--sheet", default="", help="Sheet of an Excel file; the first if not given.")
@click.option("--check", "only_check", is_flag=True, help="Show all faults and import nothing.")
def records(
    files: tuple[Path, ...],
    kind: str,
    delimiter: str,
    encoding: str,
    decimal: str | None,
    sheet: str,
    only_check: bool,
) -> None:
    """Irradiations, annealing, thermal cycles: a row a device, with serial, kind, date, amounts.

    Runs that were measured after such a moment are brought in line by tasks.
    """
    setup_django()
    from mppcqa.database.ready import make_ready
    from mppcqa.exchange.records import RecordsRefused, import_records
    from mppcqa.tables import Reading, TableError

    make_ready()
    reading = Reading(
        delimiter="\t" if delimiter == "tab" else delimiter,
        encoding=encoding,
        decimal=decimal or "",
        sheet=sheet,
    )
    for path in files:
        try:
            n = import_records(path, kind=kind, reading=reading, only_check=only_check)
        except RecordsRefused as error:
            for fault in error.faults[:SHOWN]:
                echo(f"{path.name}: {fault}", err=True)
            if (more := len(error.faults) - SHOWN) > 0:
                echo(f"and {more} more faults", err=True)
            raise click.ClickException(f"{path}: nothing was imported") from None
        except (TableError, OSError) as error:
            raise click.ClickException(f"{path}: {error}") from None
        echo(f"{path.name}: {n} records" + (" could be imported" if only_check else ""))
