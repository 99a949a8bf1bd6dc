"""``mppcqa report``: PDF reports into a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--kind", default="device", show_default=True, help="Kind of report, by its key.")
@click.option(
    "--output",
    default=".",
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder that the PDF files go to; made if need be.",
)
@click.option(
    "--language",
    type=click.Choice(["en", "es"]),
    default="en",
    show_default=True,
    help="Of the report.",
)
@click.option(
    "--paper",
    type=click.Choice(["A4", "letter"]),
    default="A4",
    show_default=True,
    help="Of the report.",
)
def report(names: tuple[str, ...], kind: str, output: Path, language: str, paper: str) -> None:
    """Write PDF reports; NAMES are serials as printed on the devices, or numbers of shipments."""
    setup_django()
    import shutil

    from django.utils.translation import override

    from mppcqa.disk import whole_file
    from mppcqa.public_address import public_address
    from mppcqa.reports.kinds import UnknownReport, find_kind

    try:
        wanted = find_kind(kind)
    except UnknownReport as error:
        raise click.ClickException(str(error)) from error
    found, unknown = _rows(wanted.model, names)
    if unknown:
        raise click.ClickException(
            f"not registered: {', '.join(unknown)}. Nothing was written; check what you typed."
        )
    address = public_address()
    if address.warning:
        click.echo(address.warning, err=True)
    for name, row in found.items():
        path = output / (f"{name}.pdf" if kind == "device" else f"{name}-{kind}.pdf")
        with (
            override(language),
            whole_file(path) as part,
            wanted.write(row, address, paper).opened() as made,
            part.open("wb") as file,
        ):
            shutil.copyfileobj(made, file)
        click.echo(path)


def _rows(model: str, names: tuple[str, ...]) -> tuple[dict[str, Any], list[str]]:
    """Rows by the names of their files, and what was typed that is no such row."""
    from django.apps import apps

    from mppcqa.inventory.models import Device
    from mppcqa.inventory.serials import normal_serial

    kind = apps.get_model(model)
    if kind is Device:
        typed = {normal_serial(name): name for name in names}
        rows = {row.serial: row for row in Device.objects.filter(serial__in=typed)}
        return rows, [name for serial, name in typed.items() if serial not in rows]
    numbers = {int(name): name for name in names if name.isascii() and name.isdigit()}
    there = kind._default_manager.in_bulk([one for one in numbers if one < 1 << 62])
    unknown = [name for name in names if not (name in numbers.values() and int(name) in there)]
    return {str(pk): row for pk, row in there.items()}, unknown
