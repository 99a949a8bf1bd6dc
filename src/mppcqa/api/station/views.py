"""``/api/v1/station/…``: each request may be sent again and counts once."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Header, Path, Query, Router
from ninja.errors import HttpError

import mppcqa
from mppcqa.api.limits import TokenRate, UploadQuota
from mppcqa.api.station import schemas as say
from mppcqa.api.station.auth import StationBearer
from mppcqa.queue.models import State
from mppcqa.runs import remote
from mppcqa.runs.bell import bell_address
from mppcqa.runs.contact import Report, greet, heard
from mppcqa.runs.models import Station, StationContact

PIECE_BYTES = 1 << 20
POLL_S, BELL_POLL_S = 1.0, 20.0
RATE = "50/s"
PIECE_SUM: Any = Header(..., alias="X-Piece-SHA256", pattern=say.SUM)  # type: ignore[type-arg]
router = Router(auth=StationBearer(), throttle=[TokenRate(RATE), UploadQuota()], tags=["station"])


def _station(request: HttpRequest) -> Station:
    found: Station = request.auth.station  # type: ignore[attr-defined]
    return found


def _ahead_s(now: dt.datetime) -> float:
    """How far the clock of whoever asks is ahead of ours [s]."""
    if now.tzinfo is None:
        now = now.replace(tzinfo=dt.UTC)
    return (now - timezone.now()).total_seconds()


def _heard(request: HttpRequest, said: say.Asking) -> StationContact:
    return heard(_station(request), said.agent, _ahead_s(said.now))


@router.post("/hello", response=say.Welcome, summary="Say who you are")
def hello(request: HttpRequest, said: say.Hello) -> dict[str, Any]:
    """The first request of a station's computer, and again whenever its list of programs changes.

    409 while another computer uses the same station.
    """
    station = _station(request)
    told = {"programs", "now"}
    report = Report(
        ahead_s=_ahead_s(said.now),
        programs=[one.model_dump() for one in said.programs],
        **said.model_dump(exclude=told),
    )
    greet(station, report)
    return {
        "station": station.name,
        "stage": station.stage,
        "version": mppcqa.__version__,
        "now": timezone.now(),
        "bell": bell_address(station, request.get_host(), secure=request.is_secure()),
        "poll_s": POLL_S,
        "bell_poll_s": BELL_POLL_S,
        "piece_bytes": PIECE_BYTES,
    }


@router.post("/next", response=say.Work, summary="Ask for work")
def next_work(request: HttpRequest, said: say.Asked) -> dict[str, Any]:
    """The next attempt to measure. One whose answer was lost on its way is given again."""
    contact = _heard(request, said)
    order = remote.next_order(_station(request), contact, said.holding)
    found = None
    if order is not None:
        found = {
            "task": order.row.task_id,
            "attempt": order.row.attempt,
            "run": order.run.pk,
            "program": order.program,
            "limit_s": order.limit_s,
            "config": order.config,
        }
    return {"order": found, "now": timezone.now()}


@router.post("/attempts/{task}/{attempt}/going", response=say.Heard, summary="Say how it goes")
def going(
    request: HttpRequest, task: Path[say.Number], attempt: Path[say.Number], said: say.Going
) -> dict[str, Any]:
    """What the log gained, the bar and messages; the answer says whether the attempt shall end."""
    _heard(request, said)
    order = remote.find_order(_station(request), said.agent, task, attempt)
    try:
        data = base64.b64decode(said.log, validate=True)
    except binascii.Error:
        raise HttpError(422, "log: it is no base64") from None
    bar = said.progress
    size, messages, stop = remote.tell(
        order,
        log=(said.log_offset, data),
        progress=None if bar is None else (bar.done, bar.total, bar.text),
        messages=[(one.number, one.level, one.text) for one in said.messages],
    )
    end = None if stop is None else {"state": stop.state, "reason": stop.reason}
    return {"log_size": size, "messages": messages, "stop": end}


@router.get("/attempts/{task}/{attempt}/file", response=say.Here, summary="How much is there")
def file_here(
    request: HttpRequest, task: Path[say.Number], attempt: Path[say.Number], agent: Query[say.Agent]
) -> Any:
    """How much of the run file has come, so that a cut upload goes on from there."""
    order = remote.find_order(_station(request), agent, task, attempt)
    return {"size": remote.file_size(order)}


@router.put("/attempts/{task}/{attempt}/file", response=say.Here, summary="Bring a piece")
def file_piece(
    request: HttpRequest,
    task: Path[say.Number],
    attempt: Path[say.Number],
    agent: Query[say.Agent],
    offset: Query[say.Offset],
    x_piece_sha256: str = PIECE_SUM,
) -> Any:
    """A piece of the run file as the request's body (application/octet-stream)."""
    order = remote.find_order(_station(request), agent, task, attempt)
    return {"size": remote.take_piece(order, offset, request.body, x_piece_sha256)}


@router.post("/attempts/{task}/{attempt}/end", response=say.Counted, summary="Say how it ended")
def end(
    request: HttpRequest, task: Path[say.Number], attempt: Path[say.Number], said: say.EndIn
) -> dict[str, Any]:
    """The end of an attempt, after its log and its file. 409 where the file is not there whole."""
    _heard(request, said)
    order = remote.find_order(_station(request), said.agent, task, attempt)
    ended = remote.End(
        state=State(said.state),
        error=said.error,
        exit_status=said.exit_status,
        run_s=said.run_s,
        size=said.size,
        sha256=said.sha256,
    )
    return {"counted": remote.end_order(order, ended)}
