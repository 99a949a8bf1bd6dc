"""``mppcqa bundle``: shipments as signed files for partners without a shared server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.papers import writes_documents
from mppcqa.cli.tables import echo


@click.group()
def bundle() -> None:
    """Shipments as signed files for a partner's mppcqa, and those of the partner in."""


@bundle.command()
@click.argument("shipment", type=int)
@click.option("--run-files", is_flag=True, help="With the run files, as far as they are here.")
@click.option("--no-certificates", is_flag=True, help="Without the certificates.")
@writes_documents
def out(
    shipment: int,
    run_files: bool,
    no_certificates: bool,
    language: str,
    paper: str,
    output: Path,
) -> None:
    """Write the bundle of SHIPMENT (its number), with all devices and what is known of them."""
    setup_django()
    from rich.progress import Progress

    from mppcqa.bundles.making import make
    from mppcqa.disk import whole_file
    from mppcqa.inventory.models import Shipment
    from mppcqa.refused import Refused
    from mppcqa.store.reading import FileFault, pieces

    row = Shipment.objects.filter(pk=shipment).first()
    if row is None:
        raise click.ClickException(f"there is no shipment {shipment}")
    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("bundle", total=None)

            def show(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=text)

            made = make(
                row,
                run_files=run_files,
                certificates=not no_certificates,
                language=language,
                paper=paper,
                told=show,
            )
        path = output / made.filename
        with whole_file(path) as part, part.open("wb") as file:
            for piece in pieces(made):
                file.write(piece)
    except (Refused, FileFault, OSError) as error:
        raise click.ClickException(f"{error}") from None
    echo(path)


@bundle.command(name="in")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--look", "only_look", is_flag=True, help="Only say what would be done.")
def in_(file: Path, only_look: bool) -> None:
    """Take in FILE, a partner's bundle: all of it or nothing; twice is harmless."""
    setup_django()
    from mppcqa.bundles.taking import arrive, look, take
    from mppcqa.database.ready import make_ready
    from mppcqa.refused import Refused
    from mppcqa.store.reading import FileFault

    make_ready()
    try:
        with file.open("rb") as source:
            row = arrive(source)
        told = look(row) if only_look else take(row)
    except (Refused, FileFault, OSError) as error:
        raise click.ClickException(f"{error}") from None
    echo(f"{row.filename}, of {row.sender}, number {row.number}")
    _say(told)


def _say(told: dict[str, Any]) -> None:
    from mppcqa.bundles.said import THINGS, WHAT

    for thing, counts in told["counts"].items():
        parts = ", ".join(f"{n} {WHAT[what]}" for what, n in counts.items())
        echo(f"{THINGS[thing]}: {parts}")
    for what, line in told["lines"]:
        if what != "new":
            echo(f"  {WHAT[what]}: {line}")


@bundle.command()
@click.option("--new", "fresh", is_flag=True, help="Make another pair; the former is revoked.")
@click.option("--name", help="What partners see this installation called.")
def key(fresh: bool, name: str | None) -> None:
    """The line that partners register, and the fingerprint that you read to them by telephone."""
    setup_django()
    from mppcqa.bundles.keys import card, new_key, public_of_ours, rename_ours
    from mppcqa.database.ready import make_ready
    from mppcqa.keyfile import fingerprint
    from mppcqa.refused import Refused

    make_ready()
    try:
        if name is not None:
            rename_ours(name)
        if fresh:
            new_key()
        echo(card(), lines=True)
        echo(fingerprint(public_of_ours()))
    except Refused as error:
        raise click.ClickException(str(error)) from None


@bundle.command()
@click.argument("line")
@click.option("--fingerprint", "told", required=True, help="As the partner read it to you.")
@click.option("--name", default="", help="Name of the partner, if not the one in the line.")
def trust(line: str, told: str, name: str) -> None:
    """Take bundles of the partner whose LINE this is (the partner's `mppcqa bundle key`)."""
    setup_django()
    from mppcqa.bundles.keys import register_key
    from mppcqa.database.ready import make_ready
    from mppcqa.refused import Refused

    make_ready()
    try:
        made = register_key(line, told, name=name)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    echo(f"bundles of {made.installation} are taken from now on")


@bundle.command()
@click.argument("public")
@click.option("--why", required=True, help="Reason, kept with the key.")
def revoke(public: str, why: str) -> None:
    """Take no more bundles signed by a key; PUBLIC is the beginning of its digits."""
    setup_django()
    from mppcqa.bundles.keys import revoke_key
    from mppcqa.bundles.models import Key
    from mppcqa.refused import Refused

    found = list(Key.objects.filter(public__startswith=public.lower())[:2])
    if len(found) != 1:
        raise click.ClickException(f"{len(found) or 'no'} keys begin so; give more digits")
    try:
        revoke_key(found[0], why)
    except Refused as error:
        raise click.ClickException(str(error)) from None
    echo(f"the key of {found[0].installation} is revoked")
