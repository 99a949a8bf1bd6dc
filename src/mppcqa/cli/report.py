"""``mppcqa report``: PDF reports into a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_text
from mppcqa.cli.asking import Asked, asks, at_a_server, is_elsewhere
from mppcqa.cli.papers import writes_documents
from mppcqa.cli.tables import echo


@click.command()
@click.argument("names", nargs=-1, required=True)
@click.option("--kind", default="device", show_default=True, help="Kind of report, by its key.")
@writes_documents
@at_a_server
def report(
    names: tuple[str, ...],
    kind: str,
    output: Path,
    language: str,
    paper: str,
    as_json: bool,
    **where: Any,
) -> None:
    """Write PDF reports; NAMES are serials as printed on the devices, or numbers of shipments.

    A server writes them as tasks, which are waited for, and keeps them.
    """
    said = {"kind": kind, "language": language, "paper": paper}
    if is_elsewhere(**where):
        _from_server(names, output, as_json=as_json, name="", **said, **where)
        return
    written = []
    for path in _written(names, output, **said):
        written.append(str(path))
        if not as_json:
            echo(path)
    if as_json:
        echo(json_text({"files": written}), lines=True)


@asks
def _from_server(asked: Asked, names: tuple[str, ...], output: Path, **said: Any) -> None:
    output.mkdir(parents=True, exist_ok=True)
    written = [asked.client.report(_path(output, one, said["kind"]), one, **said) for one in names]
    asked.tell({"files": [str(path) for path in written]}, "\n".join(map(str, written)))


def _path(output: Path, name: str, kind: str) -> Path:
    return output / (f"{name}.pdf" if kind == "device" else f"{name}-{kind}.pdf")


def _written(
    names: tuple[str, ...], output: Path, *, kind: str, language: str, paper: str
) -> Iterator[Path]:
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
        echo(address.warning, err=True)
    for name, row in found.items():
        path = _path(output, name, kind)
        with (
            override(language),
            whole_file(path) as part,
            wanted.write(row, address, paper).opened() as made,
            part.open("wb") as file,
        ):
            shutil.copyfileobj(made, file)
        yield path


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
