"""Attempts on computers that reach neither database nor broker: they ask a server over the network.

Whoever asks for such a computer takes the next attempt of its lane here, says how it goes, and says
how it ended. States, leases, kills and lost attempts are those of every worker; only the lease is
one of hours, because such a computer works on while it is cut off.
"""

from __future__ import annotations

import datetime as dt
import errno
import fcntl
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.utils import timezone

from mppcqa.queue.dispatch import hold_back, is_gone, refuse
from mppcqa.queue.ends import deliver
from mppcqa.queue.late import resume
from mppcqa.queue.logs import log_path
from mppcqa.queue.models import FINAL_STATES, REMOTE_PREFIX, Lane, Message, State, Task
from mppcqa.queue.notices import notify_attention
from mppcqa.queue.obstacles import obstacle
from mppcqa.queue.output import bar
from mppcqa.queue.shipping import ship
from mppcqa.queue.transitions import begin
from mppcqa.queue.untrusted import one_line, told

MAX_LOG = 300 << 20
"""Bytes of an attempt's log; its supervisor stops writing before."""
RENEW_EVERY_S = 10.0


@dataclass(frozen=True)
class Stop:
    """An attempt is to end, as what and why."""

    state: str
    reason: str


def claim(lane_name: str, owner: str, lease_s: float) -> Task | None:
    """The next attempt of a lane, running from now on under `owner`; None where there is none."""
    lane = Lane.objects.filter(name=lane_name).first()
    if lane is None:
        return None
    queued = Task.objects.filter(state=State.QUEUED, served_by=REMOTE_PREFIX + lane_name)
    for task in queued.order_by("priority", "id")[:4]:
        if is_gone(task.lane):
            refuse(task)
        elif obstacle(task, lane):
            hold_back(task)
        elif begin(task, owner, **_owned(owner, lease_s), **_nothing_done()):
            return task
    return None


def held(lane_name: str, owner: str) -> list[Task]:
    """What runs in a lane under `owner`."""
    return list(Task.objects.filter(lane=lane_name, state=State.RUNNING, worker=owner))


def _owned(owner: str, lease_s: float) -> dict[str, Any]:
    """No process of ours: `owner` is no name that a host can have, so no reaper looks for one."""
    now = timezone.now()
    lease = {"lease_until": now + dt.timedelta(seconds=lease_s), "lease_s": lease_s}
    return {"host": owner, "process_id": None, "supervisor_id": None, "started_at": now, **lease}


def _nothing_done() -> dict[str, Any]:
    return {"progress_done": 0, "progress_total": 0, "progress_text": ""}


def go_on(task: Task, owner: str) -> Stop | None:
    """Renew the lease of an attempt, a lost one's as well; whether and why it is to end instead.

    `task` is read anew. An attempt that was given up and not asked for again runs on.
    """
    attempt = task.attempt
    task.refresh_from_db()
    if task.attempt != attempt:
        return Stop(State.LOST, "the attempt was given to another worker")
    if task.state == State.LOST:
        if not resume(task, host=owner, process_id=None, supervisor_id=None):
            return Stop(State.LOST, "it was given up as lost, and asked for again or stopped since")
        task.refresh_from_db()
    if task.state != State.RUNNING:
        return Stop(task.state, "the attempt was ended elsewhere")
    if task.kill_requested_at is not None:
        return Stop(State.KILLED, task.kill_reason)
    _renew(task)
    return None


def _renew(task: Task) -> None:
    until = timezone.now() + dt.timedelta(seconds=task.lease_s or 0.0)
    if task.lease_until is None or abs((until - task.lease_until).total_seconds()) > RENEW_EVERY_S:
        mine = Task.objects.filter(pk=task.pk, attempt=task.attempt, state=State.RUNNING)
        mine.update(lease_until=until)


def show_progress(task: Task, done: int, total: int, text: str) -> None:
    """Move the bar of an attempt."""
    done, total = bar(done, total)
    new = {
        "progress_done": done,
        "progress_total": total,
        "progress_text": one_line(text, 200),
    }
    if any(getattr(task, name) != value for name, value in new.items()):
        Task.objects.filter(pk=task.pk, attempt=task.attempt, state=State.RUNNING).update(**new)


def raise_attention(task: Task, messages: Sequence[tuple[str, str]]) -> None:
    """Messages of an attempt, each a level and a text."""
    for level, text in messages:
        known = Message.Level(level) if level in Message.Level.values else Message.Level.INFO
        Message.objects.create(task=task, level=known, text=told(text, 500))
        if known != Message.Level.INFO:
            notify_attention(task, told(text, 500))


def begin_log(task: Task) -> None:
    """An attempt's log begins empty, also where a restored database gives its numbers again."""
    log_path(task.pk, task.attempt).unlink(missing_ok=True)


def log_size(task: Task, attempt: int) -> int:
    """Bytes of an attempt's log that are here."""
    try:
        return log_path(task.pk, attempt).stat().st_size
    except FileNotFoundError:
        return 0


def append_log(task: Task, attempt: int, offset: int, data: bytes) -> int:
    """Add to an attempt's log what is not there yet; returns the size that it has now.

    What was sent twice is written once. A piece that would leave a gap is not taken.
    """
    path = log_path(task.pk, attempt)
    size = append_at(path, offset, data, MAX_LOG)
    ship(task.pk, attempt)
    return size


def append_at(path: Path, offset: int, data: bytes, limit: int) -> int:
    """Bytes from an offset on into a file that grows at its end; returns its size afterwards.

    A disk that is full leaves the file as it was, and `OSError` says so.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = os.fstat(file.fileno()).st_size
        fresh = data[size - offset :] if 0 <= size - offset < len(data) else b""
        if not fresh:
            return size
        if size + len(fresh) > limit:
            raise OSError(errno.EFBIG, "more than is taken", str(path))
        try:
            left = memoryview(fresh)
            while left:
                left = left[os.write(file.fileno(), left) :]
        except OSError:
            with suppress(OSError):
                file.truncate(size)
            raise
        return size + len(fresh)


def end(task: Task, attempt: int, state: State, fields: dict[str, Any]) -> bool:
    """Write how an attempt ended, late ones as well; False where it counts no more.

    Saying it again changes nothing and says the same.
    """
    task.refresh_from_db()
    with transaction.atomic():
        row = Task.objects.select_for_update().get(pk=task.pk)
        if state == State.LOST and row.kill_requested_at is not None:
            state, fields = State.KILLED, {"error_text": row.kill_reason}
        over = row.state in FINAL_STATES and row.state != State.LOST
        if row.attempt != attempt or (over and row.state != state):
            return False
        if over or (row.state == State.LOST and state == State.LOST):
            return True
    task.attempt = attempt
    deliver(task, state, fields)
    task.refresh_from_db()
    return task.attempt == attempt and task.state == state
