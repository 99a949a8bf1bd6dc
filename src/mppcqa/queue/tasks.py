"""The one Celery task of the queue, and the thread that keeps a worker's row and the reaper."""

from __future__ import annotations

import atexit
import logging
import mmap
import os
import signal
import socket
import threading
from typing import Any

from celery import current_app, shared_task
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutting_down
from django.db import DatabaseError, connections
from django.utils import timezone

import mppcqa
from mppcqa.queue import folder, forks
from mppcqa.queue.dispatch import CELERY_NAME, REAP_NAME
from mppcqa.queue.housekeeping import remove_own_logs
from mppcqa.queue.models import Worker
from mppcqa.queue.offspring import adopt
from mppcqa.queue.reaper import reap

logger = logging.getLogger(__name__)
HEARTBEAT_S = 3.0
TIDY_EVERY_S = 6 * 3600.0
LOOK_UP_S = 0.2
"""A worker without messages looks so often whether it shall end."""
_gone = threading.Event()
"""Set once the worker runs nothing any more."""
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
    work(worker_name(), queues, lambda: _ending[0] != 0, _end_worker)


def _end_worker() -> None:
    """Celery's own way to end: no new message is taken, running tasks go on.

    A pool process may be the first to learn that somebody asked for it.
    """
    _ending[0] = 1
    os.kill(int(os.environ["MPPCQA_WORKER_PID"]), signal.SIGTERM)


@shared_task(name=REAP_NAME, ignore_result=True)
def reap_now() -> None:
    """One round of the reaper, for the scheduler; workers do it with every heartbeat as well."""
    reap()


@worker_process_init.connect
def _answer_for_all(**_: Any) -> None:
    # In a pool process; signals of Celery reach it in no other.
    adopt()


@worker_init.connect
def _name_worker(**_: Any) -> None:
    os.environ["MPPCQA_WORKER_PID"] = str(os.getpid())
    folder.Transport.longest_wait_s = LOOK_UP_S


@worker_ready.connect
def _start_heart(sender: Any, **_: Any) -> None:
    fields = {
        "host": socket.gethostname(),
        "process_id": os.getpid(),
        "lanes": sorted(str(name) for name in sender.app.amqp.queues.consume_from),
        "concurrency": sender.controller.concurrency,
        "version": mppcqa.__version__,
        "started_at": timezone.now(),
    }
    heart = threading.Thread(target=_beat, args=[fields], name="heart", daemon=True)
    heart.start()
    atexit.register(_say_goodbye, os.getpid(), heart)
    threading.Thread(target=_tidy, name="tidy", daemon=True).start()


def _enter(fields: dict[str, Any]) -> None:
    """This worker's row as it begins.

    What was asked of an earlier worker with the same process number is not asked of this one.
    """
    Worker.objects.update_or_create(name=worker_name(), defaults={**fields, "drain": False})


def _report() -> bool | None:
    """One heartbeat: it writes what the worker itself knows, and nothing that people decide.

    Returns whether somebody asked it to end; None where its row is not there.
    """
    row = Worker.objects.filter(name=worker_name())
    there = row.update(
        heartbeat_at=timezone.now(),
        stopped_at=None,
        leaving=_ending[0] != 0,
        load=os.getloadavg()[0],
    )
    return row.filter(drain=True).exists() if there else None


def _beat(fields: dict[str, Any]) -> None:
    """Until the worker has gone: say that it lives, and mend what others left."""
    wait_s = 0.0
    entered = False
    while not _gone.wait(wait_s):
        wait_s = HEARTBEAT_S
        # Pool processes are forked from this one: neither a lock nor an open connection may be
        # passed on.
        with forks.held_back():
            try:
                if not entered:
                    _enter(fields)
                    entered = True
                asked = _report()
                entered = asked is not None
                reap()
                if asked and not _ending[0]:
                    _end_worker()
            except DatabaseError as error:
                logger.warning("no heartbeat, the database is away: %s", error)
            finally:
                connections.close_all()


def _tidy() -> None:
    """Logs of archived tasks lie on the computers that ran them; each removes its own."""
    wait_s = 0.0
    while not _gone.wait(wait_s):
        wait_s = TIDY_EVERY_S
        with forks.held_back():
            try:
                remove_own_logs()
            except (DatabaseError, OSError) as error:
                logger.warning("old logs of this computer were not removed: %s", error)
            finally:
                connections.close_all()


@worker_shutting_down.connect
def _take_no_more(**_: Any) -> None:
    # Its heart beats on: a task that it still runs may take hours.
    _ending[0] = 1


def _say_goodbye(worker_id: int, heart: threading.Thread) -> None:
    """When the worker's main process ends, by whatever way; pool processes are copies of it."""
    if os.getpid() != worker_id:
        return
    _gone.set()
    heart.join(HEARTBEAT_S)
    try:
        Worker.objects.filter(name=worker_name()).update(stopped_at=timezone.now())
    except DatabaseError:
        logger.warning("the worker's end could not be written")
