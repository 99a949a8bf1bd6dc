"""``mppcqa import``: tables, and results that were measured elsewhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.import_assembly import assembly
from mppcqa.cli.import_foreign import foreign
from mppcqa.cli.import_records import records
from mppcqa.cli.import_table import table
from mppcqa.cli.tables import echo

if TYPE_CHECKING:
    from mppcqa.stages import Survey


class _Imports(click.Group):
    """The commands below, and one for each survey of a stage."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from mppcqa.stages import all_stages

        surveys = [stage.survey.key for stage in all_stages() if stage.survey is not None]
        return sorted({*super().list_commands(ctx), *surveys})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if found := super().get_command(ctx, cmd_name):
            return found
        from mppcqa.stages import all_stages

        surveys = [stage.survey for stage in all_stages() if stage.survey is not None]
        return next((_command(one) for one in surveys if one.key == cmd_name), None)


def _command(survey: Survey) -> click.Command:
    return click.Command(
        survey.key,
        callback=partial(take_survey, survey.key),
        help=survey.title,
        params=[
            click.Argument(["folder"], type=click.Path(path_type=Path)),
            click.Option(
                ["--on-error"],
                type=click.Choice(["stop", "skip"]),
                default="stop",
                show_default=True,
                help="What a broken line does: stop takes in nothing, skip leaves the line out.",
            ),
        ],
    )


@click.group(name="import", cls=_Imports)
def import_() -> None:
    """Bring in tables, and results that were measured elsewhere."""


import_.add_command(assembly)
import_.add_command(foreign)
import_.add_command(records)
import_.add_command(table)


def take_survey(key: str, folder: Path, on_error: Any) -> None:
    """Trays that others measured, as a stage's survey reads them."""
    setup_django()
    from rich.progress import Progress

    from mppcqa.database.ready import make_ready
    from mppcqa.exchange.foreign.surveys import BrokenLines, SurveyRefused, import_surveys

    make_ready()
    try:
        with Progress(transient=True) as bar:
            task = bar.add_task("trays", total=None)

            def show(done: int, total: int, text: str) -> None:
                bar.update(task, completed=done, total=total, description=f"tray {text}")

            result = import_surveys(key, folder, on_error=on_error, progress=show)
    except BrokenLines as error:
        for fault in error.faults:
            echo(fault, err=True)
        raise click.ClickException(
            f"{len(error.faults)} broken lines, nothing was taken in. Mend them, or leave them "
            "out with --on-error skip."
        ) from None
    except SurveyRefused as error:
        raise click.ClickException(str(error)) from None
    for text in result.faults:
        echo(f"left out: {text}", err=True)
    echo(
        f"{result.trays} trays with {result.devices} devices and {result.values} values taken in, "
        f"{result.unchanged} trays were there already"
    )
    if result.unknown:
        echo(
            f"{result.unknown} devices have columns that are not known; they are kept with the "
            "analysis as they stand"
        )
