"""The one Celery task of the queue, and the thread that keeps a worker's row and the reaper."""

from __future__ import annotations

import logging
import mmap
import os
import signal
import socket
import threading
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_init, worker_ready, worker_shutting_down
from django.db import DatabaseError, connections
from django.utils import timezone

import mppcqa
from mppcqa.queue.dispatch import CELERY_NAME
from mppcqa.queue.housekeeping import remove_own_logs
from mppcqa.queue.models import Worker
from mppcqa.queue.reaper import reap

logger = logging.getLogger(__name__)
HEARTBEAT_S = 3.0
TIDY_EVERY_S = 6 * 3600.0
_stop = threading.Event()
_ending = mmap.mmap(-1, 1)
"""Not 0 once the worker shall end; one piece of memory for it and its pool processes."""


def worker_name() -> str:
    """Host and process number of the worker's main process; a pool process has it as parent."""
    pid = os.environ.get("MPPCQA_WORKER_PID", str(os.getpid()))
    return f"{socket.gethostname()}:{pid}"


@shared_task(name=CELERY_NAME, ignore_result=True)
def work(**_: Any) -> None:
    """Run what is queued. Whatever the message says, the database decides what there is."""
    from mppcqa.queue.runner import work

    queues = [str(name) for name in current_app.amqp.queues.consume_from]
    work(worker_name(), queues, lambda: _ending[0] != 0)


@shared_task(name="mppcqa.queue.scheduled", ignore_result=True)
def scheduled(*, name: str) -> None:
    """The scheduler says that it is time for a routine. One that is still open is not doubled."""
    from mppcqa.queue.actions import submit
    from mppcqa.queue.errors import SubmitError

    try:
        submit(name, key=f"schedule:{name}")
    except SubmitError as error:
        logger.error("the schedule of %s: %s", name, error)


@shared_task(name="mppcqa.queue.reap", ignore_result=True)
def reap_now() -> None:
    """One round of the reaper, for the scheduler; workers do it with every heartbeat as well."""
    reap()


@worker_init.connect
def _name_worker(**_: Any) -> None:
    os.environ["MPPCQA_WORKER_PID"] = str(os.getpid())


@worker_ready.connect
def _start_heart(sender: Any, **_: Any) -> None:
    fields = {
        "host": socket.gethostname(),
        "process_id": os.getpid(),
        "lanes": sorted(str(name) for name in sender.app.amqp.queues.consume_from),
        "concurrency": sender.controller.concurrency,
        "version": mppcqa.__version__,
        "started_at": timezone.now(),
        "drain": False,
    }
    Worker.objects.filter(name=worker_name()).update(drain=False)
    threading.Thread(target=_beat, args=[fields], name="heart", daemon=True).start()
    threading.Thread(target=_tidy, name="tidy", daemon=True).start()


def _beat(fields: dict[str, Any]) -> None:
    """Until the worker stops: say that it lives, and mend what others left."""
    wait_s = 0.0
    while not _stop.wait(wait_s):
        wait_s = HEARTBEAT_S
        try:
            now: dict[str, Any] = {"heartbeat_at": timezone.now(), "stopped_at": None}
            now["load"] = os.getloadavg()[0]
            row, _new = Worker.objects.update_or_create(
                name=worker_name(), defaults={**fields, **now}
            )
            reap()
            if row.drain and not _stop.is_set():
                # Celery's own way to end: no new message is taken, running tasks go on.
                os.kill(os.getpid(), signal.SIGTERM)
                return
        except DatabaseError as error:
            logger.warning("no heartbeat, the database is away: %s", error)
        finally:
            # Pool processes are forked from this one: no open connection may be passed on.
            connections.close_all()


def _tidy() -> None:
    """Logs of archived tasks lie on the computers that ran them; each removes its own."""
    wait_s = 0.0
    while not _stop.wait(wait_s):
        wait_s = TIDY_EVERY_S
        try:
            remove_own_logs()
        except (DatabaseError, OSError) as error:
            logger.warning("old logs of this computer were not removed: %s", error)
        finally:
            connections.close_all()


@worker_shutting_down.connect
def _end_heart(**_: Any) -> None:
    _stop.set()
    _ending[0] = 1
    try:
        Worker.objects.filter(name=worker_name()).update(stopped_at=timezone.now())
    except DatabaseError:
        logger.warning("the worker's end could not be written")
