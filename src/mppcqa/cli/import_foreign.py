"""``mppcqa import foreign``: waveforms, spectra and IV curves of other programs, by a mapping."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import echo

if TYPE_CHECKING:
    from mppcqa.exchange.foreign.files import Checked
    from mppcqa.inventory.models import Device
    from mppcqa.runs.models import Run
    from mppcqa.tables.mapping import Mapping
    from mppcqa.tables.measured import Measured


def conditions_of(pairs: tuple[str, ...]) -> dict[str, float]:
    """``NAME=NUMBER`` with a unit or without: temperature_c=20, temperature_c=77K, bias_v=54.3."""
    from mppcqa.exchange.foreign.kinds import to_say
    from mppcqa.tables.conditions import number_in
    from mppcqa.tables.ranges import implausible

    known = to_say()
    found = {}
    for pair in pairs:
        name, _sign, text = pair.partition("=")
        if name not in known:
            raise click.BadParameter(f"{name!r} is none of {', '.join(known)}")
        number = number_in(text, name, due=known[name].unit)
        if number is None:
            raise click.BadParameter(f"{pair!r}: write NAME=NUMBER, with a unit if it has another")
        if why := implausible(name, number):
            raise click.BadParameter(f"{pair}: {why} Write the unit, as in {name}={text}K.")
        found[name] = number
    return found


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--mapping", "name", help="Name of a mapping, or a JSON file; proposed if left out.")
@click.option("--device", "serial", help="Serial number of the device that was measured.")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=NUMBER",
    help="What the files do not say: bias_v=58, temperature_c=77K, light=0, sample_s=2ns, gate_s.",
)
@click.option(
    "--measured",
    default="",
    metavar="WHEN",
    help="When it was measured, as 2027-03-31 or '2027-03-31 14:30' (UTC); now if left out.",
)
@click.option("--channel", type=click.IntRange(0), help="Channel, where the mapping does not tell.")
@click.option(
    "--channels-from",
    type=click.IntRange(0, 1),
    default=None,
    help="Number of the first channel as a column of channels counts.",
)
@click.option(
    "--unit",
    "units",
    multiple=True,
    metavar="COLUMN=UNIT",
    help="Unit of a column whose heading has none.",
)
@click.option(
    "--allow",
    multiple=True,
    type=click.Choice(["twice", "device", "conditions"]),
    help="Take it in although: the same file was taken in before, its name says another device, "
    "header and name say different conditions.",
)
@click.option("--yes", is_flag=True, help="Ask nothing: take what is certain, refuse the rest.")
@click.option("--look", is_flag=True, help="Show how the files would be read, and end.")
@click.option("--list", "listed", is_flag=True, help="List the mappings and end.")
@click.option(
    "--pattern",
    default="",
    help="What names of a folder's files say: {serial}/{bias_v}V_{temperature_c}C_{*}.csv.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write what became of each file of a folder to this CSV.",
)
@click.option("--wait/--no-wait", default=True, show_default=True, help="Wait for the analysis.")
def foreign(
    files: tuple[Path, ...],
    name: str | None,
    serial: str | None,
    given: tuple[str, ...],
    measured: str,
    channel: int | None,
    channels_from: int | None,
    units: tuple[str, ...],
    allow: tuple[str, ...],
    yes: bool,
    look: bool,
    listed: bool,
    pattern: str,
    report: Path | None,
    wait: bool,
) -> None:
    """Waveforms, charge spectra and IV curves of other programs, as one run of a device.

    A folder or ZIP archive goes to many devices, by the serial numbers in names or headers; the
    same command again goes on where it was cut off.

    Without --mapping one is proposed for each file, with its reasons; what is not certain is asked,
    or refused where nobody can answer.
    """
    setup_django()
    from mppcqa.cli.foreign_mappings import list_mappings, mappings_for
    from mppcqa.database.ready import make_ready
    from mppcqa.exchange.foreign.files import ForeignRefused
    from mppcqa.exchange.mapping import moment_faults
    from mppcqa.runfile import RunFileError
    from mppcqa.runs.actions import find_device
    from mppcqa.tables import TableError

    make_ready()
    if listed:
        list_mappings()
        return
    if measured and (faults := moment_faults(measured)):
        raise click.BadParameter(" ".join(faults), param_hint="--measured")
    if len(files) == 1 and (files[0].is_dir() or files[0].suffix.lower() == ".zip"):
        from mppcqa.cli.import_batch import batch

        batch(
            files[0],
            pattern=pattern,
            mapping=name,
            given=conditions_of(given),
            allow=allow,
            device=serial or "",
            look=look,
            wait=wait,
            report=report,
        )
        return
    if not files or not serial:
        raise click.UsageError("name at least one file, and the device with --device")
    device = find_device(serial)
    if device is None:
        raise click.ClickException(f"{serial} is not registered; register it first")
    asks = sys.stdin.isatty() and not yes
    try:
        mappings = mappings_for(files, name, units, channels_from, asks)
        said = conditions_of(given)
        run = _taken_in(files, mappings, device, said, channel, allow, look, asks, measured)
    except ForeignRefused as error:
        for fault in error.faults:
            echo(fault, err=True)
        for what in error.asked:
            echo(f"If that is right: --allow {what}", err=True)
        raise click.ClickException("nothing was taken in") from None
    except (RunFileError, TableError, OSError) as error:
        raise click.ClickException(str(error)) from None
    if run is None:
        return
    names = ", ".join(dict.fromkeys(repr(mapping.name) for mapping in mappings))
    echo(f"run {run.pk}: {len(files)} files of {device.serial} by {names}")
    if wait and not _finish(run):
        raise SystemExit(1)


def _taken_in(
    files: tuple[Path, ...],
    mappings: list[Mapping],
    device: Device,
    given: dict[str, float],
    channel: int | None,
    allow: tuple[str, ...],
    look: bool,
    asks: bool,
    measured: str,
) -> Run | None:
    """The run of files that were looked at and asked about; None where they were to be looked at.

    Raises `ForeignRefused`, `TableError`, `RunFileError`, `OSError`.
    """
    from mppcqa.exchange.foreign.files import check_file, refuse, take_in
    from mppcqa.typed import moment

    checked = [
        check_file(path, path.name, mapping, device, given, channel)
        for path, mapping in zip(files, mappings, strict=True)
    ]
    _show(checked)
    if look:
        refuse(checked, allow)
        return None
    refuse(checked, _answered(checked, allow, asks))
    when = moment(measured)
    return take_in(checked, device, given=given, channel=channel, measured_at=when)


def _show(checked: list[Checked]) -> None:
    """What the files hold, and a drawing of each kind's first."""
    from mppcqa.cli.drawing import draw

    drawn: set[str] = set()
    for one in checked:
        for note in one.notes:
            echo(note, err=True)
        for part in one.parts[:20]:
            channels = ", ".join(map(str, part.channels[:8])) + (
                " …" if len(part.channels) > 8 else ""
            )
            what = f"{part.size} {part.kind}, channel {channels}, {_told(part)}"
            echo(f"{one.name}: {what}", err=True)
            if part.kind not in drawn:
                drawn.add(part.kind)
                echo(draw(part), err=True, lines=True)


def _told(part: Measured) -> str:
    """Where a part was measured, in words."""
    from mppcqa.exchange.foreign.kinds import axes
    from mppcqa.results.conditions import condition_text

    at = {key: part.at(key) for key in axes()}
    return condition_text({key: value for key, value in at.items() if not math.isnan(value)})


def _answered(checked: list[Checked], allow: tuple[str, ...], asks: bool) -> list[str]:
    """What is allowed: by option, or by a person who is asked."""
    allowed = list(allow)
    if not asks or any(one.faults for one in checked):
        return allowed
    for one in checked:
        for what, texts in one.questions.items():
            if what not in allowed:
                for text in texts:
                    echo(text, err=True)
                if click.confirm("Take it in nevertheless?", err=True):
                    allowed.append(what)
    return allowed


def _finish(run: Any) -> bool:
    """Wait for the run's tasks, with a worker of our own where there is none."""
    from mppcqa.cli.demo import working
    from mppcqa.queue.models import State, Task

    with working() as wait:
        wait([run])
    for task in Task.objects.filter(group=run.task_group_id).order_by("pk"):
        if task.state != State.SUCCEEDED:
            echo(f"{task} {task.state}: {task.error_text}", err=True)
            return False
    _say_found(run)
    return True


def _say_found(run: Any) -> None:
    """How many values and problems the analysis found; every part ends in one or the other."""
    from mppcqa.results.models import Analysis

    row = Analysis.objects.filter(run_file__run=run).order_by("-pk").first()
    if row is None:
        echo("analysed")
        return
    echo(f"analysed: {row.values} values, {len(row.problems or [])} problems")
    for problem in (row.problems or [])[:10]:
        text = problem.get("what", problem) if isinstance(problem, dict) else problem
        echo(f"  {text}", err=True)
