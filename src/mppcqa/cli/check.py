"""``mppcqa check``: is this file what the analysis needs? Without a file: what is installed?"""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import echo


@click.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@json_option("One JSON object a file instead of text.")
@click.option(
    "--recover",
    "target",
    type=click.Path(path_type=Path),
    help="Make a run file of what a program that died has left in FILE (one file).",
)
def check(files: tuple[Path, ...], as_json: bool, target: Path | None) -> None:
    """Check ROOT run files and name every fault; exit status 1 if there is any.

    Without FILES: check the stages that are installed, those of other packages too, and the user
    that test programs run as.
    """
    from mppcqa.runfile import Fault
    from mppcqa.runfile import check as check_file
    from mppcqa.stages.filed_axes import file_axis_faults

    if not files and target is None:
        _check_stages(as_json)
        return

    if target is not None:
        _recover(files, target)
        files = (target,)
    failed = False
    for path in files:
        faults = check_file(path) or [Fault(one) for one in file_axis_faults(path)]
        failed |= bool(faults)
        if as_json:
            rows = [fault.__dict__ for fault in faults]
            echo(json.dumps({"file": str(path), "ok": not faults, "faults": rows}))
            continue
        echo(f"{path}: {'ok' if not faults else f'{len(faults)} faults'}")
        for fault in faults:
            echo(f"  {fault}")
    if failed:
        raise SystemExit(1)


def _check_stages(as_json: bool) -> None:
    from mppcqa.queue.program_user import FOLDER_SETTING, SETTING, ProgramUserFault, program_user
    from mppcqa.stages import all_stages, broken_stages

    broken = broken_stages()
    fault = ""
    try:
        user = program_user(os.environ.get(SETTING, ""), os.environ.get(FOLDER_SETTING, ""))
    except ProgramUserFault as error:
        user, fault = None, str(error)
    ok = not broken and not fault
    if as_json:
        rows = [one.__dict__ for one in broken]
        stages = {stage.key: stage.version for stage in all_stages()}
        told = {"program_user": user.name if user else "", "program_user_fault": fault}
        echo(json.dumps({"ok": ok, "stages": stages, "switched_off": rows, **told}))
    else:
        if user is not None:
            echo(f"test programs run as the user {user.name}")
        if fault:
            echo(fault)
        for stage in all_stages():
            echo(f"{stage.key}: {stage.title}, version {stage.version}: ok")
        for one in broken:
            echo(f"{one}")
            echo("".join(f"  {line}\n" for line in one.details.splitlines()), nl=False, lines=True)
    if not ok:
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
        echo(f"{tree}: {count} entries recovered", err=True)
