"""How attempts ended, kept on disk until the database knows.

A measurement may take hours and its end falls into a minute in which the database, or the network
to it, is away; or the worker is killed between the end and its commit. So an end is first written
into a folder of this computer, then into the database. What could not be delivered is delivered by
the next heartbeat of any worker here.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections
from django.utils.dateparse import parse_datetime

from mppcqa.disk import settle
from mppcqa.queue.errors import AWAY
from mppcqa.queue.late import accept
from mppcqa.queue.logs import note
from mppcqa.queue.models import State, Task
from mppcqa.queue.shipping import ship
from mppcqa.queue.transitions import move

logger = logging.getLogger(__name__)


def folder() -> Path:
    return Path(settings.MPPCQA_HOME) / "ended"


def write_end(task: Task, state: State, fields: dict[str, Any]) -> None:
    """Write how an attempt ended: to disk, then to the database, which may be away."""
    path = folder() / f"{task.pk}-{task.attempt}.json"
    kept = _keep(path, task, state, fields)
    try:
        _deliver(task, state, fields)
        path.unlink(missing_ok=True)
    except AWAY as error:
        if kept is None:
            raise
        logger.warning("the end of %s is kept until the database is back: %s", task, error)
        connections.close_all()
    finally:
        if kept is not None:
            kept.close()


def deliver(task: Task, state: State, fields: dict[str, Any]) -> None:
    """Write the end of an attempt whose owner keeps it until it is told that it was taken."""
    _deliver(task, state, fields)


def _keep(path: Path, task: Task, state: State, fields: dict[str, Any]) -> TextIO | None:
    """The end as a file, locked while it is open: this process tries to deliver it first."""
    record = {"task": task.pk, "attempt": task.attempt, "state": state, "fields": fields}
    unnamed = path.with_name(f".{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = unnamed.open("w")
    except OSError as error:
        logger.error("the end of %s can't be kept in %s: %s", task, path, error)
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(json.dumps(record, cls=DjangoJSONEncoder))
        file.flush()
        settle(unnamed, path)
    except OSError as error:
        # A full disk: the database may still take it.
        logger.error("the end of %s can't be kept in %s: %s", task, path, error)
        with suppress(OSError):
            file.close()
        unnamed.unlink(missing_ok=True)
        return None
    return file


def _deliver(task: Task, state: State, fields: dict[str, Any]) -> None:
    """Into the database; what it will not take of an end is left out, and the end still counts."""
    try:
        _write(task, state, fields)
    except AWAY:
        raise
    except Exception as error:
        logger.exception("the end of %s could not be stored as it was", task)
        text = f"its end could not be stored as it was: {type(error).__name__}: {error}"
        note(task.pk, task.attempt, text)
        new = State.FAILED if state == State.SUCCEEDED else state
        _write(task, new, {"error_class": type(error).__name__, "error_text": text})


def _write(task: Task, state: State, fields: dict[str, Any]) -> None:
    """By compare and set; an attempt that was given up meanwhile comes late.

    The log goes first: who sees the end, wherever it is, finds the log whole.
    """
    ship(task.pk, task.attempt)
    if not move(task, State.RUNNING, state, expected_attempt=task.attempt, **fields):
        said = f"came late with its end ({State(state).value}): "
        if accept(task, state, **fields):
            note(task.pk, task.attempt, said + "accepted, as it was given up but not run again")
        else:
            note(task.pk, task.attempt, said + "not taken, it was stopped or run again meanwhile")
    elif task.state != state:
        note(task.pk, task.attempt, f"not tried again, it was stopped meanwhile: {task.error_text}")
    ship(task.pk, task.attempt)


def deliver_left() -> int:
    """Deliver what earlier tries left behind here; returns how many ends were delivered."""
    count = 0
    for path in sorted(folder().glob("[0-9]*.json")):
        with _locked(path) as text:
            if text is None:
                continue
            try:
                record = json.loads(text)
                fields, state = record["fields"], State(record["state"])
                number, attempt = int(record["task"]), int(record["attempt"])
            except (ValueError, KeyError, TypeError):
                # Cut short by a full disk or a power cut.
                logger.error("%s says no end; it is kept as %s.unreadable", path, path.name)
                path.rename(path.with_name(path.name + ".unreadable"))
                continue
            if fields.get("not_before"):
                fields["not_before"] = parse_datetime(fields["not_before"])
            task = Task.objects.filter(pk=number).first()
            if task is not None:
                task.attempt = attempt
                try:
                    _deliver(task, state, fields)
                except AWAY:
                    raise
                except Exception:
                    # It must not keep this worker from its heartbeat for ever.
                    logger.exception("%s is not taken by the database; it is kept", path)
                    path.rename(path.with_name(path.name + ".unreadable"))
                    continue
                count += 1
            path.unlink(missing_ok=True)
    return count


@contextmanager
def _locked(path: Path) -> Iterator[str | None]:
    """The text of a kept end; None while somebody else delivers it or once it was delivered."""
    try:
        file = path.open()
    except FileNotFoundError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        # Delivered between our look and our lock: the name is gone.
        yield file.read() if os.fstat(file.fileno()).st_nlink else None
