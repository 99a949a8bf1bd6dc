"""``mppcqa import table``: devices, maker's data or measurements from CSV, Excel or Parquet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

SHOWN = 50


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--stage", default="", help="Stage of the values; without it the rows are devices.")
@click.option("--mapping", default="", help="Name of a saved mapping, or a JSON file of one.")
@click.option("--map", "pairs", multiple=True, help="COLUMN=FIELD, e.g. 'Vbr=value:gain_adc'.")
@click.option("--fill", multiple=True, help="FIELD=TEXT where the file has no such column.")
@click.option(
    "--existing",
    type=click.Choice(["refuse", "skip", "update"]),
    default="refuse",
    show_default=True,
    help="What is there already: a fault, left as it is, or updated.",
)
@click.option(
    "--channels-from",
    type=int,
    default=0,
    show_default=True,
    help="What the table calls the first channel.",
)
@click.option("--delimiter", default="", help="Found out if not given; 'tab' for a tab.")
@click.option("--encoding", default="", help="Found out if not given.")
@click.option(
    "--decimal", type=click.Choice([".", ","]), default=None, help="Found out if not given."
)
@click.option("--sheet", default="", help="Sheet of an Excel file; the first if not given.")
@click.option("--leave-out", is_flag=True, help="Import the good rows in spite of faults.")
@click.option("--check", "only_check", is_flag=True, help="Show all faults and import nothing.")
@click.option("--faults", type=click.Path(path_type=Path), help="Write every fault to this CSV.")
def table(files: tuple[Path, ...], only_check: bool, faults: Path | None, **how: Any) -> None:
    """Devices, maker's data or measurements from FILES (CSV, Excel, Parquet).

    All faults of a file are shown at once, and a file with faults imports nothing.
    """
    setup_django()
    from mppcqa.database.ready import make_ready

    make_ready()
    for path in files:
        _one(path, only_check, faults, how)


def _one(path: Path, only_check: bool, faults: Path | None, how: dict[str, Any]) -> None:
    import shutil

    from mppcqa.disk import whole_file
    from mppcqa.exchange import imports
    from mppcqa.tables import TableError

    try:
        with path.open("rb") as file:
            row = imports.take_in(
                iter(lambda: file.read(1 << 20), b""),
                path.name,
                kind="values" if how["stage"] else "devices",
                stage=how["stage"],
            )
        _set_up(row, how)
        imports.check(row)
    except (TableError, OSError) as error:
        raise click.ClickException(f"{path}: {error}") from None
    for note in [*row.found["notes"], *row.found.get("warnings", ())]:
        echo(f"{path.name}: {note}", err=True)
    for fault in row.found["faults"][:SHOWN]:
        place = f"row {fault['row']}" if fault["row"] is not None else ""
        parts = [part for part in (place, fault["column"], fault["what"]) if part]
        echo(": ".join(parts) + (f" ({fault['remedy']})" if fault["remedy"] else ""), err=True)
    if row.faults > SHOWN:
        echo(f"and {row.faults - SHOWN} more faults", err=True)
    if faults is not None:
        with whole_file(faults) as part:
            shutil.copyfile(row.faults_path, part)
    counts = ", ".join(f"{n} {name}" for name, n in row.found["counts"].items())
    echo(f"{path.name}: {counts or 'not readable'}; {row.faults} faults")
    if only_check:
        imports.remove(row)
        raise SystemExit(1 if row.faults else 0)
    try:
        imports.apply(row)
    except imports.ImportRefused as error:
        imports.remove(row)
        raise click.ClickException(
            f"{error} To see every fault: --faults FILE.csv; to import the good rows: --leave-out"
        ) from None
    done = ", ".join(f"{n} {name}" for name, n in row.found["done"].items())
    echo(f"{path.name}: imported ({done})")


def _set_up(row: Any, how: dict[str, Any]) -> None:
    from dataclasses import replace

    from mppcqa.exchange import imports
    from mppcqa.exchange.mapping import ColumnMapping, Target
    from mppcqa.exchange.models import SavedMapping

    given = {name: how[name] or "" for name in ("delimiter", "encoding", "decimal", "sheet")}
    given["delimiter"] = "\t" if given["delimiter"] == "tab" else given["delimiter"]
    row.reading = {**row.reading, **{name: value for name, value in given.items() if value}}
    row.existing, row.leave_out = how["existing"], how["leave_out"]
    row.mapping = imports.suggest_again(row).to_json()
    if name := how["mapping"]:
        saved = SavedMapping.objects.filter(name=name).first()
        if saved is None and Path(name).is_file():
            content = json.loads(Path(name).read_text())
            saved = SavedMapping(name=name, kind=content.get("kind", row.kind), content=content)
        if saved is None:
            names = ", ".join(SavedMapping.objects.values_list("name", flat=True)) or "none"
            raise click.ClickException(f"no saved mapping is called {name}; there are: {names}")
        imports.use_saved(row, saved)
    mapping = ColumnMapping.from_json(row.mapping)
    columns = dict(mapping.columns)
    for pair in how["pairs"]:
        head, _mark, to = pair.rpartition("=")
        if head not in columns:
            raise click.ClickException(f"no column {head!r}; there are: {', '.join(columns)}")
        columns[head] = Target(to=to)
    fill = {key: value for key, _mark, value in (one.partition("=") for one in how["fill"])}
    mapping = replace(
        mapping,
        columns=columns,
        fill={**mapping.fill, **fill},
        stage=how["stage"] or mapping.stage,
        channels_from=how["channels_from"] or mapping.channels_from,
    )
    imports.set_mapping(row, mapping)
