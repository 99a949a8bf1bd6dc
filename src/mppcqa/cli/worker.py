"""``mppcqa worker``: runs tasks."""

from __future__ import annotations

import os

import click

from mppcqa.cli import setup_django
from mppcqa.cli.processes import usable_cores
from mppcqa.loading import loading


@click.command()
@click.option("--lane", "lanes", multiple=True, help="Lane to serve; `work` by default.")
@click.option("--station", "stations", multiple=True, help="Station of this computer to serve.")
@click.option(
    "--concurrency",
    default=2,
    show_default=True,
    type=click.IntRange(1, 256),
    help="Tasks that run side by side.",
)
def worker(lanes: tuple[str, ...], stations: tuple[str, ...], concurrency: int) -> None:
    """Start a worker, for a station or for shared work; Ctrl-C stops it after its tasks."""
    from mppcqa.queue.keeper import be_kept

    be_kept()
    setup_django()
    _refuse_program_user()
    with loading():
        from mppcqa.project.celery import app
        from mppcqa.queue.models import DEFAULT_LANE, queue_name
        from mppcqa.stages import all_stages

        all_stages()  # what is switched off stands at the beginning of the worker's log
    names = [*lanes, *(_own(name) for name in stations)] or [DEFAULT_LANE]
    # Attempts that run side by side share the cores: with a thread a core each, threads of one
    # wait for those of another in every parallel loop, which took twice the processor time.
    os.environ.setdefault("NUMBA_NUM_THREADS", str(max(1, usable_cores() // concurrency)))
    # Named in the settings because the command line of Celery knows only its own pools.
    app.conf.worker_pool = "mppcqa.queue.pool:TaskPool"
    app.worker_main(
        [
            *("worker", "--loglevel", "WARNING"),
            *("--concurrency", str(concurrency), "--without-gossip", "--without-mingle"),
            *("--hostname", f"worker-{os.getpid()}@%h"),
            *("--queues", ",".join(queue_name(name) for name in names)),
        ]
    )


def _refuse_program_user() -> None:
    """End where programs of stations shall run as a user that this worker can't become."""
    from mppcqa.queue.program_user import ProgramUserFault, refuse_unable
    from mppcqa.queue.programs import closed_to_programs, own_user

    try:
        user = own_user()
        if user is not None:
            refuse_unable(user, closed_to_programs())
    except ProgramUserFault as error:
        raise click.ClickException(str(error)) from None


def _own(name: str) -> str:
    """Make a station's lane this computer's own: from now on its tasks come here alone."""
    from mppcqa.queue.dispatch import dispatch
    from mppcqa.queue.models import Lane, State, Task
    from mppcqa.runs.lane import station_lane
    from mppcqa.runs.models import Station

    found = Station.objects.filter(name=name).first()
    if found is None:
        known = ", ".join(Station.objects.values_list("name", flat=True)[:50]) or "none yet"
        raise click.ClickException(f"There is no station {name!r}. Stations: {known}.")
    if found.remote:
        raise click.ClickException(
            f"{name} belongs to a computer with a token: start `mppcqa station` there, or take "
            "that mark from it on its page in the catalogue."
        )
    lane = station_lane(found)
    if not lane.dedicated:
        Lane.objects.filter(pk=lane.pk).update(dedicated=True)
        lane.dedicated = True
        # What is queued for it already comes along.
        queued = Task.objects.filter(lane=lane.name, state=State.QUEUED)
        queued.update(served_by=lane.broker_queue)
        dispatch()
    return lane.name
