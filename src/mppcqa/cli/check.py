"""``mppcqa check``: is this file what the analysis needs?"""

from __future__ import annotations

import json
from pathlib import Path

import click


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object a file instead of text.")
def check(files: tuple[Path, ...], as_json: bool) -> None:
    """Check ROOT run files and name every fault; exit status 1 if there is any."""
    from mppcqa.runfile import check as check_file

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
