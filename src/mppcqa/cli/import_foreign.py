"""``mppcqa import foreign``: waveforms, spectra and IV curves of other programs, by a mapping."""

from __future__ import annotations

import json
from pathlib import Path

import click

from mppcqa.cli import setup_django

CONDITIONS = ("bias_v", "temperature_c", "light")


def _conditions(pairs: tuple[str, ...]) -> dict[str, float]:
    found = {}
    for pair in pairs:
        name, _sign, text = pair.partition("=")
        try:
            found[name] = float(text.replace(",", "."))
        except ValueError:
            raise click.BadParameter(f"{pair!r}: write NAME=NUMBER") from None
        if name not in CONDITIONS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(CONDITIONS)}")
    return found


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--mapping", "name", help="Name of a mapping, or a JSON file; guessed if left out.")
@click.option("--device", "serial", help="Serial number of the device that was measured.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=NUMBER",
    help="A condition that the files do not say: bias_v=58, temperature_c=20, light=0.",
)
@click.option("--channel", type=click.IntRange(0), help="Channel, where the mapping does not tell.")
@click.option("--list", "listed", is_flag=True, help="List the mappings and end.")
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the analysis.")
def foreign(
    files: tuple[Path, ...],
    name: str | None,
    serial: str | None,
    given: tuple[str, ...],
    channel: int | None,
    listed: bool,
    wait: bool,
) -> None:
    """Waveforms, charge spectra and IV curves of other programs, as one run of a device."""
    setup_django()
    from django.core.management import call_command

    from mppcqa.runfile import RunFileError
    from mppcqa.testing.actions import find_device
    from mppcqa.testing.foreign import ForeignRefused, import_foreign
    from mppcqa.testing.mappings import all_mappings

    call_command("migrate", verbosity=0, interactive=False)
    if listed:
        for mapping in all_mappings():
            click.echo(f"{mapping.name}  ({mapping.format}, {mapping.kind})")
        return
    if not files or not serial:
        raise click.UsageError("name at least one file, and the device with --device")
    device = find_device(serial)
    if device is None:
        raise click.ClickException(f"{serial} is not registered; register it first")
    try:
        mapping = _mapping(name, files)
        run = import_foreign(
            list(files), mapping, device, given=_conditions(given), channel=channel
        )
    except ForeignRefused as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        raise click.ClickException("nothing was taken in") from None
    except (RunFileError, OSError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"run {run.pk}: {len(files)} files of {device.serial} by {mapping.name!r}")
    if wait and not _finish(run):
        raise SystemExit(1)


def _mapping(name: str | None, files: tuple[Path, ...]):  # type: ignore[no-untyped-def]
    from mppcqa.runfile.foreign import ForeignError, guess_mapping, mapping_from_json
    from mppcqa.testing.mappings import all_mappings, find_mapping

    if name is None:
        found = guess_mapping(files[0], all_mappings())
        if found is None:
            raise ForeignError(f"{files[0].name}: name a mapping with --mapping (see --list)")
        return found
    if name.endswith(".json"):
        try:
            return mapping_from_json(json.loads(Path(name).read_text()))
        except ValueError as error:
            raise ForeignError(f"{name}: no JSON: {error}") from None
    return find_mapping(name)


def _finish(run) -> bool:  # type: ignore[no-untyped-def]
    """Wait for the run's tasks, with a worker of our own where there is none."""
    from mppcqa.cli.demo import working
    from mppcqa.queue.models import State, Task

    with working() as wait:
        wait([run])
    for task in Task.objects.filter(group=run.task_group_id).order_by("pk"):
        if task.state != State.SUCCEEDED:
            click.echo(f"{task} {task.state}: {task.error_text}", err=True)
            return False
    click.echo("analysed")
    return True
