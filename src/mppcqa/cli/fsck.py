"""``mppcqa fsck``: is every stored file there, and what was stored?"""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from mppcqa.cli import setup_django
from mppcqa.cli.answers import json_option
from mppcqa.cli.tables import echo


@click.command()
@json_option("One JSON object instead of text.")
@click.option(
    "--repair",
    is_flag=True,
    help="Mend what is safe: bring files back from backups, set aside what nothing names, remove "
    "what killed processes left unfinished.",
)
def fsck(as_json: bool, repair: bool) -> None:
    """Read every stored file and value; name what is missing, changed, or belongs to nothing.

    Exit status 1 if anything is left that is not as it should be. People may go on working.
    """
    setup_django()
    from rich.console import Console
    from rich.progress import Progress

    from mppcqa.exchange.fsck import check_store

    with Progress(transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task("stored files", total=None)

        def show(done: int, total: int, text: str) -> None:
            bar.update(task, completed=done, total=total, description=text[-40:])

        report = check_store(repair=repair, told=show)
    if as_json:
        echo(json.dumps({"ok": not report.left, **asdict(report)}))
    else:
        for one in report.findings:
            row = f" ({one.row})" if one.row else ""
            done = f"; {one.repaired}" if one.repaired else ""
            echo(f"{one.kind}: {one.name}{row}: {one.text}{done}")
        echo(
            f"{report.files} files, {report.bytes / 1e6:.0f} MB read in {report.seconds:.1f} s: "
            f"{len(report.findings)} findings, {len(report.left)} left"
        )
    raise SystemExit(1 if report.left else 0)
