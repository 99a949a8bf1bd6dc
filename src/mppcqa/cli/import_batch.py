"""``mppcqa import foreign FOLDER``: thousands of measured files to many devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from mppcqa.cli.tables import echo
from mppcqa.disk import whole_file

SHOWN = 20


def batch(
    source: Path,
    *,
    pattern: str,
    mapping: str | None,
    given: dict[str, float],
    allow: tuple[str, ...],
    device: str,
    look: bool,
    wait: bool,
    report: Path | None,
) -> None:
    """Take a folder or archive in; the same command again goes on where it was cut off."""
    from mppcqa.exchange.batches.contents import BatchRefused
    from mppcqa.exchange.batches.report import counts_of, write_report
    from mppcqa.exchange.batches.taking import begin, preview, take
    from mppcqa.tables import TableError

    try:
        row = begin(
            source.resolve(),
            source.name,
            pattern=pattern,
            mapping=mapping or "",
            given=given,
            allow=allow,
            device=device,
        )
    except (BatchRefused, TableError, OSError) as error:
        raise click.ClickException(str(error)) from None
    for one, named, serial in preview(row, SHOWN):
        said = [f"{name}={value:g}" for name, value in named.conditions] if named else []
        said += [f"channel {named.channel}"] if named and named.channel is not None else []
        echo(f"{one.name}: {', '.join([serial or 'no device by its name', *said])}", err=True)
    if look:
        row.delete()
        return
    _with_bar(lambda told: take(row, told))
    if wait:
        _work_off(row)
    counts = counts_of(row)
    echo(
        f"{counts['files']} files: {counts['taken']} taken in as {counts['runs']} runs of "
        f"{counts['devices']} devices, {counts['twice']} there already, {counts['refused']} not "
        f"taken in; {counts['values']} values, {counts['problems']} problems"
    )
    refused = row.files.exclude(state__in=("taken", "waiting")).order_by("pk")
    for one in refused[:SHOWN]:
        echo(f"{one.name}: {'; '.join(one.why)}", err=True)
    if (more := refused.count() - SHOWN) > 0:
        echo(f"and {more} more; all of them with --report FILE.csv", err=True)
    if report is not None:
        with whole_file(report) as part, part.open("w", newline="", encoding="utf-8") as target:
            write_report(row, target)
    if counts["refused"]:
        raise SystemExit(1)


def _with_bar(work: Any) -> None:
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task("files", total=None)
        work(lambda done, total: bar.update(task, completed=done, total=total))


def _work_off(row: Any) -> None:
    """Wait for the tasks of the runs, with workers of our own where there are none."""
    from mppcqa.cli.demo import working
    from mppcqa.runs.models import Run

    runs = list(Run.objects.filter(pk__in=row.files.exclude(run=None).values("run")))
    if runs:
        with working() as wait:
            wait(runs)
