"""What is done with runs and stations: stopping, going on, again; out of service, reserved."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Path, Status
from pydantic import Field

from mppcqa.api.asking import one_of, who, with_right
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.runs import Number, RunWhole, StationOut, run, runs, shown_station, stations
from mppcqa.api.said import Said
from mppcqa.queue import kill_group, lanes
from mppcqa.runs.actions import resume_run
from mppcqa.runs.again import start_again
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, Station


class Why(Said):
    """The reason, which is kept."""

    reason: Text = ""


class Hours(Said):
    """How long; 0 ends a reservation."""

    hours: float = Field(ge=0, le=1000, strict=True, examples=[4])


def _run(request: HttpRequest, number: int) -> Run:
    return one_of(Run.objects.visible_to(who(request)), "run", pk=number)


@runs.post("/{number}/kill", response=RunWhole, summary="Stop a run")
@once
def stop(request: HttpRequest, number: Path[Number], said: Why) -> Any:
    """Stop all of its tasks that wait or run."""
    user = with_right(request, "queue.change_task")
    row = _run(request, number)
    if row.task_group is not None:
        kill_group(row.task_group, by=user, reason=said.reason)
    return run(request, number)


@runs.post("/{number}/resume", response=RunWhole, summary="Go on with a run")
@once
def resume(request: HttpRequest, number: Path[Number]) -> Any:
    """Go on from the first of its tasks that did not succeed; 409 while it is under way."""
    user = with_right(request, "runs.add_run")
    resume_run(_run(request, number), by=user)
    return run(request, number)


@runs.post("/{number}/again", response={201: RunWhole}, summary="Measure once more")
@once
def again(request: HttpRequest, number: Path[Number]) -> Any:
    """A new run with the same devices, slots and settings."""
    user = with_right(request, "runs.add_run")
    return Status(201, run(request, start_again(_run(request, number), by=user).pk))


def _station(name: str) -> Station:
    return one_of(Station.objects.select_related("institute"), "station", name=name)


@stations.post("/{name}/maintenance", response=StationOut, summary="Out of service, or back")
@once
def maintenance(request: HttpRequest, name: str, said: Why) -> Any:
    """With a reason nothing new starts there; without one it is in service again."""
    with_right(request, "runs.change_station")
    row = _station(name)
    lanes.set_maintenance(station_lane(row), said.reason.strip())
    return shown_station(request, row)


@stations.post("/{name}/reserve", response=StationOut, summary="Reserve a station")
@once
def reserve(request: HttpRequest, name: str, said: Hours) -> Any:
    """Keep a station for oneself for some hours; with 0 release one's own."""
    user = with_right(request, "runs.add_run")
    row = _station(name)
    lane = station_lane(row)
    if said.hours:
        lanes.reserve(lane, user, said.hours)
    elif lane.reserved_by_id not in (None, user.pk) and not user.has_perm("runs.change_station"):
        raise lanes.LaneRefused(f"Only {lane.reserved_by} can release it.")
    else:
        lanes.release(lane)
    return shown_station(request, row)
