"""``mppcqa demo``: a simulated campaign from registration to report, without a browser."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from itertools import chain
from typing import TYPE_CHECKING

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import add_row, echo, show
from mppcqa.home import home_folder
from mppcqa.refused import Refused

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mppcqa.inventory.models import Device
    from mppcqa.runs.models import Run

WORKER_WAIT_S = 60.0


@click.command()
@click.option(
    "--arrays",
    default=8,
    show_default=True,
    type=click.IntRange(1, 10000),
    help="How many arrays are simulated.",
)
@click.option("--stage", default="", help="This stage alone, for instance stage2.")
@click.option(
    "--season",
    is_flag=True,
    help="Twelve weeks at once: lots, a drift, failures, waivers, shipments.",
)
def demo(arrays: int, stage: str, season: bool) -> None:
    """Register arrays, measure, analyse, judge and report them through the queue."""
    setup_django()
    from mppcqa.database.ready import make_ready

    make_ready()
    if season:
        from mppcqa.cli.season import make_season

        devices = make_season(echo)
        echo(f"{len(devices)} devices; see the pages, or: mppcqa run")
        return
    with workers() as look_after:
        ok = fill(arrays=arrays, stage=stage, meanwhile=look_after)
    if not ok:
        raise SystemExit(1)


@contextmanager
def workers() -> Iterator[Callable[[], None]]:
    """Workers: those that there are, else two of our own until the block ends.

    Yields what is to be called again and again meanwhile: it looks after our own.
    """
    from mppcqa.cli.processes import Crew

    crew = nullcontext() if _has_worker() else Crew(home_folder() / "logs")
    with crew as started:
        if started is not None:
            command = [sys.executable, "-m", "mppcqa.cli", "worker", "--concurrency", "2"]
            started.start("worker", command)
        yield started.check if started is not None else lambda: None


@contextmanager
def working() -> Iterator[Callable[[list[Run]], None]]:
    """Workers as in `workers`, and a function that waits for runs with a bar on the screen."""
    with workers() as look_after, _bar() as progress:
        bar = progress.add_task("", total=None)
        yield lambda runs: _wait(runs, progress, bar, look_after)


def _bar() -> Progress:
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
    )
    return Progress(*columns, TimeElapsedColumn())


def fill(*, arrays: int, stage: str = "", meanwhile: Callable[[], None] = lambda: None) -> bool:
    """Run the campaign with whatever workers there are; True if every task succeeded.

    `meanwhile` is called again and again while tasks run.
    """
    from mppcqa.cli.demonstration import measure_all, prepare
    from mppcqa.queue.models import State, Task

    try:
        campaign = prepare(arrays, stage)
    except Refused as error:
        raise click.UsageError(str(error)) from None
    with _bar() as progress:
        bar = progress.add_task("campaign", total=None)
        try:
            runs = measure_all(campaign, lambda some: _wait(some, progress, bar, meanwhile))
        except Refused as error:  # somebody used a station meanwhile
            raise click.ClickException(str(error)) from None
    _print_table(campaign.devices)
    failed = [
        task
        for task in Task.objects.filter(group__in=[run.task_group_id for run in runs])
        if task.state != State.SUCCEEDED
    ]
    for task in failed:
        echo(f"{task} {task.state}: {task.error_text or task.kill_reason}", err=True)
    return not failed


def _has_worker() -> bool:
    """Whether a worker said within the last seconds that it lives."""
    import datetime as dt

    from django.utils import timezone

    from mppcqa.queue.models import Worker

    lately = timezone.now() - dt.timedelta(seconds=10)
    return Worker.objects.filter(heartbeat_at__gt=lately, stopped_at=None).exists()


def _wait(runs: list[Run], progress: Progress, bar: TaskID, meanwhile: Callable[[], None]) -> None:
    """Until every task of the runs has ended, with the bar at the mean of their progress."""
    from mppcqa.queue.models import Task

    groups = [run.task_group_id for run in runs]
    began = time.monotonic()
    while True:
        meanwhile()
        tasks = list(Task.objects.filter(group__in=groups))
        done = sum(100 if not task.is_open else task.percent for task in tasks)
        current = next((task for task in tasks if task.state == "running"), None)
        words = f"{current.title} {current.progress_text}" if current else "waiting for a worker"
        progress.update(
            bar, total=100 * len(tasks), completed=done, description=words[:44].ljust(44)
        )
        if not any(task.is_open for task in tasks):
            return
        if time.monotonic() - began > WORKER_WAIT_S and not any(task.attempt for task in tasks):
            raise click.ClickException("no worker took the tasks; see logs/worker.log")
        time.sleep(0.2)


def _print_table(devices: list[Device]) -> None:
    """One line an array: means over its channels of the headlines at the typical condition."""
    from rich.markup import escape
    from rich.table import Table

    from mppcqa.reports.archive import reports_of
    from mppcqa.views.shown import ShownQuantity
    from mppcqa.views.stage_values import device_stages
    from mppcqa.views.texts import measured

    stages_of = {device.pk: device_stages(device) for device in devices}
    columns: dict[str, ShownQuantity] = {}
    for section in chain.from_iterable(stages_of.values()):
        declared = section.stage.quantities if section.stage else ()
        headlines = {one.key for one in declared if one.headline}
        for shown in section.quantities:
            if shown.key in headlines:
                columns.setdefault(shown.key, shown)
    table = Table(title="Means over the channels, each stage at its typical condition")
    table.add_column("serial", no_wrap=True)
    for shown in columns.values():
        table.add_column(escape(f"{shown.symbol} [{shown.unit}]" if shown.unit else shown.symbol))
    table.add_column("verdict", no_wrap=True)
    table.add_column("report", overflow="fold")
    for device in devices:
        sections = stages_of[device.pk]
        cells = []
        for key in columns:
            means = (
                section.mean(key, section.typical() if section.declared[key].conditional else None)
                for section in sections
                if key in section.values
            )
            value = next(means, None)
            cells.append(
                measured(value.value, value.statistical, "", value.systematic, value.bound)
                if value
                else "–"
            )
        verdicts = ", ".join(section.standing.outcome or "–" for section in sections)
        report = reports_of(device).first()
        path = report.file.path if report else "–"
        add_row(table, device.serial, *cells, verdicts, path)
    show(table)
