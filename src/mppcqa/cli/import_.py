"""``mppcqa import``: tables, and results that were measured elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.import_foreign import foreign
from mppcqa.cli.import_table import table


@click.group(name="import")
def import_() -> None:
    """Bring in tables, and results that were measured elsewhere."""


import_.add_command(foreign)
import_.add_command(table)


@import_.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="What a broken line does: stop takes in nothing, skip leaves the line out.",
)
def lfhcal(folder: Path, on_error: Any) -> None:
    """Trays of SiPMs as the ePIC LFHCal's quality control writes them."""
    setup_django()
    from django.core.management import call_command
    from rich.progress import Progress

    from mppcqa.testing.surveys import SurveyRefused, import_surveys

    call_command("migrate", verbosity=0, interactive=False)
    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("trays", total=None)

            def show(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=f"tray {text}")

            result = import_surveys(folder, on_error=on_error, progress=show)
    except SurveyRefused as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        raise click.ClickException(
            f"{len(error.faults)} broken lines, nothing was taken in. Mend them, or leave them "
            "out with --on-error skip."
        ) from None
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    for fault in result.faults:
        click.echo(f"left out: {fault}", err=True)
    click.echo(
        f"{result.trays} trays with {result.devices} devices and {result.values} values taken in, "
        f"{result.unchanged} trays were there already"
    )
