"""``mppcqa demo``: a simulated campaign from registration to report, without a browser."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

import click

from mppcqa.cli import setup_django
from mppcqa.cli.tables import show
from mppcqa.home import home_folder

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from mppcqa.inventory.models import Device
    from mppcqa.testing.models import Run

WORKER_WAIT_S = 60.0


@click.command()
@click.option("--arrays", default=8, show_default=True, type=click.IntRange(1, 10000))
@click.option("--stage", default="", help="This stage alone, for instance stage2.")
def demo(arrays: int, stage: str) -> None:
    """Register arrays, measure, analyse, judge and report them through the queue."""
    setup_django()
    from django.core.management import call_command

    call_command("migrate", verbosity=0, interactive=False)
    with workers():
        ok = fill(arrays=arrays, stage=stage)
    if not ok:
        raise SystemExit(1)


@contextmanager
def workers() -> Iterator[None]:
    """Workers: those that there are, else two of our own until the block ends."""
    from mppcqa.cli.processes import Crew

    crew = nullcontext() if _has_worker() else Crew(home_folder() / "logs")
    with crew as started:
        if started is not None:
            command = [sys.executable, "-m", "mppcqa.cli", "worker", "--concurrency", "2"]
            started.start("worker", command)
        yield


@contextmanager
def working() -> Iterator[Callable[[list[Run]], None]]:
    """Workers as in `workers`, and a function that waits for runs with a bar on the screen."""
    with workers(), _bar() as progress:
        bar = progress.add_task("", total=None)
        yield lambda runs: _wait(runs, progress, bar, lambda: None)


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
    from mppcqa.queue.models import State
    from mppcqa.testing.campaign import measure_all, prepare

    campaign = prepare(arrays, stage)
    with _bar() as progress:
        bar = progress.add_task("campaign", total=None)
        runs = measure_all(campaign, lambda some: _wait(some, progress, bar, meanwhile))
    _print_table(campaign.devices)
    failed = [
        task for run in runs for task in run.task_group.tasks.all() if task.state != State.SUCCEEDED
    ]
    for task in failed:
        click.echo(f"{task} {task.state}: {task.error_text or task.kill_reason}", err=True)
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
    """One line an array: means over its channels at the usual overvoltage."""
    from django.conf import settings
    from rich.markup import escape
    from rich.table import Table

    from mppcqa.reports.models import Report
    from mppcqa.stages.numbers import with_uncertainty
    from mppcqa.testing.device_values import device_stages

    table = Table(title="Means over the channels at 1.6 V overvoltage")
    for name in ("serial", "V_br [V]", "gain [ADC/p.e.]", "PDE [%]", "dark rate [kHz]"):
        table.add_column(escape(name), no_wrap=True)
    for name in ("crosstalk [%]", "verdict"):
        table.add_column(escape(name), no_wrap=True)
    table.add_column("report", overflow="fold")
    keys = (
        ("pde", "breakdown_voltage_v"),
        ("pde", "gain_adc"),
        ("pde", "pde"),
        ("darkbox", "dark_rate_hz"),
        ("pde", "crosstalk_probability"),
    )
    for device in devices:
        sections = {section.key: section for section in device_stages(device)}
        cells = []
        for stage, key in keys:
            section = sections.get(stage) or sections.get("stage2")
            conditional = section is not None and any(
                q.key == key and q.conditional for q in section.quantities
            )
            point = section.typical() if section is not None and conditional else None
            value = section.mean(key, point) if section is not None else None
            cells.append(with_uncertainty(value.value, value.uncertainty) if value else "–")
        verdicts = ", ".join(section.standing.outcome or "–" for section in sections.values())
        report = Report.objects.filter(device=device).first()
        path = str(settings.MEDIA_ROOT / report.file.name) if report else "–"
        table.add_row(device.serial, *cells, verdicts, path)
    show(table)
