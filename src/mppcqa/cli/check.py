"""``mppcqa check``: is this file what the analysis needs? Without a file: what is installed?"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file instead of text.")
@click.option(
    "--recover",
    "target",
    type=click.Path(path_type=Path),
    help="Make a run file of what a program that died has left in FILE (one file).",
)
def check(files: tuple[Path, ...], as_json: bool, target: Path | None) -> None:
    """Check ROOT run files and name every fault; exit status 1 if there is any.

    Without FILES: check the stages that are installed, those of other packages too.
    """
    from mppcqa.runfile import check as check_file

    if not files and target is None:
        _check_stages(as_json)
        return

    if target is not None:
        _recover(files, target)
        files = (target,)
    failed = False
    for path in files:
        faults = check_file(path)
        failed |= bool(faults)
        if as_json:
            rows = [fault.__dict__ for fault in faults]
            click.echo(json.dumps({"file": str(path), "ok": not faults, "faults": rows}))
            continue
        click.echo(f"{path}: {'ok' if not faults else f'{len(faults)} faults'}")
        for fault in faults:
            click.echo(f"  {fault}")
    if failed:
        raise SystemExit(1)


def _check_stages(as_json: bool) -> None:
    from mppcqa.stages import all_stages, broken_stages

    broken = broken_stages()
    if as_json:
        rows = [one.__dict__ for one in broken]
        stages = {stage.key: stage.version for stage in all_stages()}
        click.echo(json.dumps({"ok": not broken, "stages": stages, "switched_off": rows}))
    else:
        for stage in all_stages():
            click.echo(f"{stage.key}: {stage.title}, version {stage.version}: ok")
        for one in broken:
            click.echo(f"{one}")
            click.echo("".join(f"  {line}\n" for line in one.details.splitlines()), nl=False)
    if broken:
        raise SystemExit(1)


def _recover(files: tuple[Path, ...], target: Path) -> None:
    from mppcqa.runfile import RunFileError, recover

    if len(files) != 1:
        raise click.UsageError("--recover takes one file")
    if target.exists():
        raise click.UsageError(f"{target} exists")
    try:
        entries = recover(files[0], target)
    except RunFileError as error:
        raise click.ClickException(str(error)) from None
    for tree, count in entries.items():
        click.echo(f"{tree}: {count} entries recovered", err=True)
