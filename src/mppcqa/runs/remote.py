"""Measuring on a computer that has an address and a token: orders, how they go, and their files.

An order is an attempt at measuring that a station's computer was given. Every step may be asked for
again: the answer to one that was done is the same, and it counts once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.disk import measure_file, settle
from mppcqa.inventory.moving import MoveRefused
from mppcqa.queue import remote
from mppcqa.queue.models import State, Task
from mppcqa.queue.remote import Stop
from mppcqa.queue.untrusted import told
from mppcqa.refused import Fault, Refused
from mppcqa.runs.contact import CLOCK_MATTERS_S, program_for
from mppcqa.runs.folders import RUN_FILE, new_folder, note_size
from mppcqa.runs.models import Run, Station, StationContact, StationOrder
from mppcqa.runs.seats import MEASURE, refuse_moved
from mppcqa.runs.tasks import configuration

PART = f".{RUN_FILE}.part"
MAX_FILE = 1 << 40
ENDS = (State.SUCCEEDED, State.FAILED, State.KILLED, State.TIMED_OUT, State.LOST)


class OrderRefused(Refused):
    """Not taken; the message says why, and the station keeps what it has."""


class NoSuchOrder(Refused):
    """An attempt that this computer was not given, or that is known no more."""


@dataclass(frozen=True)
class Order:
    """What a station's computer is to do."""

    row: StationOrder
    run: Run
    program: str
    config: dict[str, Any]
    limit_s: float


def owner_of(station: Station) -> str:
    """What the queue calls the computer of a station. No host has a name with a blank in it."""
    return f"station {station.name}"


def next_order(
    station: Station, contact: StationContact, holding: Sequence[tuple[int, int]]
) -> Order | None:
    """The next attempt for a station's computer, or the one whose order it never got.

    `holding` names the attempts (task, number) that it has. None where there is nothing to do.
    """
    known = set(holding)
    owner = owner_of(station)
    for task in remote.held(station.lane, owner):
        row = StationOrder.objects.filter(task=task, attempt=task.attempt).first()
        if row is None:  # the server ended between taking it and writing this down
            return _order(station, contact, task)
        if row.agent == contact.agent and (task.pk, task.attempt) not in known:
            return _again(row, task)
    if known:
        return None
    while True:
        taken = remote.claim(station.lane, owner, settings.MPPCQA_STATION_LEASE_S)
        if taken is None:
            return None
        if (order := _order(station, contact, taken)) is not None:
            return order


def _order(station: Station, contact: StationContact, task: Task) -> Order | None:
    """Make the order of an attempt that was just taken; None where it can't be measured."""
    run = Run.objects.filter(pk=task.arguments.get("run_id")).first()
    try:
        if task.name != MEASURE or run is None:
            raise LookupError(f"{task.title} can't run on the computer of a station")
        program = program_for(station, run.stage)
        refuse_moved(run)
    except (LookupError, MoveRefused) as error:
        fields = {"error_class": "TaskError", "error_text": str(error)}
        remote.end(task, task.attempt, State.FAILED, fields)
        return None
    remote.begin_log(task)
    folder = new_folder(run, task)
    row = StationOrder.objects.create(
        station=station, task=task, attempt=task.attempt, agent=contact.agent, folder=folder
    )
    if abs(contact.clock_ahead_s) > CLOCK_MATTERS_S:
        text = f"the clock of {station} is {contact.clock_ahead_s:+.0f} s off; times here are the "
        remote.raise_attention(task, [("warning", text + "server's")])
    return _filled(row, task, run, program)


def _again(row: StationOrder, task: Task) -> Order | None:
    run = row.folder.run
    try:
        program = program_for(row.station, run.stage)
    except LookupError:
        program = row.station.program_name
    return _filled(row, task, run, program)


def _filled(row: StationOrder, task: Task, run: Run, program: str) -> Order:
    config = configuration(run, Path())
    del config["truth"]  # a path of the station's own
    limit_s = float(task.limit_s or row.station.time_limit_s)
    return Order(row, run, program, config, limit_s)


def find_order(station: Station, agent: str, task: int, attempt: int) -> StationOrder:
    """The order of an attempt; `NoSuchOrder` where the station's computer was given none."""
    rows = StationOrder.objects.select_related("task", "folder__run", "station")
    row = rows.filter(station=station, task=task, attempt=attempt).first()
    if row is None or row.agent != agent:
        text = _("Attempt %(n)d of task %(task)d was not given to this computer.")
        raise NoSuchOrder(text % {"n": attempt, "task": task})
    row.task.attempt = row.attempt
    return row


def tell(
    order: StationOrder,
    *,
    log: tuple[int, bytes],
    progress: tuple[int, int, str] | None,
    messages: Sequence[tuple[int, str, str]],
) -> tuple[int, int, Stop | None]:
    """How an attempt goes: what its log gained, its bar, and what asks for attention.

    Messages are numbered from 1, each is taken once. Returns the size of the log and the number
    of messages that are here, and whether the attempt shall end.
    """
    task, attempt = order.task, order.attempt
    over = order.ended_at is not None  # its end is here, and the station was not told yet
    stop = None if over else remote.go_on(task, owner_of(order.station))
    offset, data = log
    size = (
        remote.append_log(task, attempt, offset, data) if data else remote.log_size(task, attempt)
    )
    if messages:
        _take_messages(order, messages)
    if progress is not None and stop is None and not over:
        remote.show_progress(task, *progress)
    return size, order.messages_seen, stop


def _take_messages(order: StationOrder, messages: Sequence[tuple[int, str, str]]) -> None:
    with transaction.atomic():
        row = StationOrder.objects.select_for_update().get(pk=order.pk)
        fresh = []
        for number, level, text in messages:
            if number == row.messages_seen + 1:
                fresh.append((level, text))
                row.messages_seen = number
        if fresh:
            remote.raise_attention(order.task, fresh)
            row.save(update_fields=["messages_seen"])
    order.messages_seen = row.messages_seen


def file_size(order: StationOrder) -> int:
    """Bytes of the run file that are here."""
    for name in (RUN_FILE, PART):
        path = order.folder.path / name
        if path.is_file():
            return path.stat().st_size
    return 0


def take_piece(order: StationOrder, offset: int, data: bytes, sha256: str) -> int:
    """A piece of the run file from an offset on; returns how much of the file is here now.

    Raises `OrderRefused` for a piece that is not what its sum says; nothing of it is kept then.
    """
    _refuse_ended(order)
    if hashlib.sha256(data).hexdigest() != sha256.lower():
        raise OrderRefused(
            [Fault(_("The piece arrived damaged: send it again."), field="X-Piece-SHA256")]
        )
    if (order.folder.path / RUN_FILE).is_file():
        return file_size(order)
    return remote.append_at(order.folder.path / PART, offset, data, MAX_FILE)


def _refuse_ended(order: StationOrder) -> None:
    if order.ended_at is not None:
        raise OrderRefused(_("The attempt has ended: nothing more is taken of it."))


@dataclass(frozen=True)
class End:
    """How an attempt ended, as the station's computer says it."""

    state: State
    error: str
    exit_status: int | None
    run_s: float | None
    size: int
    sha256: str


def end_order(order: StationOrder, said: End) -> bool:
    """Take the end of an attempt with its file; True where it counts, False where it came too late.

    Raises `OrderRefused` where the file is not here whole: the station sends what is missing, or
    all of it where its sum is another.
    """
    if order.ended_at is not None:
        return bool(order.counted)
    if said.state == State.SUCCEEDED and not said.sha256:
        raise OrderRefused([Fault(_("A success has a run file."), field="file")])
    if said.sha256:
        _settle_file(order, said.size, said.sha256.lower())
    # The database may be away before the next line, not between the file's name and its size.
    note_size(order.folder)
    order.folder.refresh_from_db()
    counted = remote.end(order.task, order.attempt, said.state, _fields(order, said))
    StationOrder.objects.filter(pk=order.pk).update(ended_at=timezone.now(), counted=counted)
    return counted


def _fields(order: StationOrder, said: End) -> dict[str, Any]:
    fields: dict[str, Any] = {"run_s": said.run_s, "exit_status": said.exit_status}
    if said.state == State.SUCCEEDED:
        result = {"bytes": said.size, "folder": order.folder.name}
        return fields | {"result": result, "exit_status": 0, "error_text": ""}
    kinds = {State.FAILED: "TaskError", State.LOST: "StationLost"}
    text = told(said.error, 20_000)
    return fields | {"error_class": kinds.get(said.state, ""), "error_text": text}


def _settle_file(order: StationOrder, size: int, sha256: str) -> None:
    """Give the run file its name once it is what the station has."""
    path, part = order.folder.path / RUN_FILE, order.folder.path / PART
    if path.is_file():
        return
    here = part.stat().st_size if part.is_file() else 0
    if here < size:
        values = {"here": here, "size": size}
        text = _("Of the file's %(size)d bytes %(here)d are here: send the rest.") % values
        raise OrderRefused([Fault(text, field="size")])
    part.touch()  # of an empty file no piece came
    if measure_file(part).sha256 != sha256 or here != size:
        part.unlink()
        text = _(
            "The file that came is not the one that was measured: send it again from its begin."
        )
        raise OrderRefused([Fault(text, field="sha256")])
    settle(part, path)


def give_up(station: Station) -> int:
    """Count on the station's computer no more, which is gone for good; how many attempts it had.

    What it measured and did not bring is lost, and another computer may take the station.
    """
    orders = StationOrder.objects.filter(station=station, ended_at=None).select_related("task")
    text = _("given up: the computer of %s does not come back") % station
    count = 0
    for order in orders:
        fields = {"error_class": "StationLost", "error_text": text}
        count += remote.end(order.task, order.attempt, State.LOST, fields)
        StationOrder.objects.filter(pk=order.pk).update(ended_at=timezone.now(), counted=False)
    StationContact.objects.filter(station=station).delete()
    return count
