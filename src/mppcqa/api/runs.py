"""``/api/v1/runs`` and what belongs to them: files by range, stations, starting a run."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from mppcqa.api import schemas as say
from mppcqa.api.asking import one_of, who, with_right
from mppcqa.api.devices import run_file
from mppcqa.api.lists import ListQuery, Page, Text, page_of
from mppcqa.api.once import once
from mppcqa.api.problems import problem
from mppcqa.api.said import Said
from mppcqa.inventory.models import Attachment
from mppcqa.results.models import Analysis
from mppcqa.runs.actions import load_station, start_run, unload_station
from mppcqa.runs.models import LoadedDevice, Run, RunFile, RunSlot, Station
from mppcqa.web.bound import seen_of
from mppcqa.web.downloads import stored_file, stored_range
from mppcqa.web.runs.listing import RUNS, described, listed

runs, files, attachments, stations = (Router(tags=["runs"]) for _one in range(4))
Number = Annotated[int, Field(ge=0, lt=2**31)]
BYTES: Any = {
    "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
}


class RunRow(Schema):
    """A run as lists have it."""

    id: int
    stage: str | None = None
    station: str | None = None
    state: str | None = Field(None, description="Of its tasks together.")
    operator: str | None = None
    created_at: dt.datetime | None = None


class Runs(Page):
    """A page of runs."""

    items: list[RunRow]


class Slot(Schema):
    """A device in a slot, counted from 1."""

    slot: int
    serial: str


class TaskOf(Schema):
    """A task of a run."""

    id: int
    name: str
    title: str = ""
    state: str
    error: str = Field("", description="Why it failed, where its task is seen.")


class RunWhole(RunRow):
    """A run with its devices, files, analyses and tasks."""

    uuid: str
    measured_at: dt.datetime
    note: str
    parameters: dict[str, Any]
    slots: list[Slot]
    files: list[say.FileOf]
    analyses: list[int]
    tasks: list[TaskOf]


class RunQuery(ListQuery):
    """Filters of the list of runs."""

    stage: Text = Field("", description="Key of a stage.")
    station: Text = Field("", description="Name of a station.")


def _items(rows: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.pk,
            "stage": one.stage,
            "station": one.station_name,
            "state": str(one.shown_state),
            "operator": one.operator_name,
            "created_at": one.created_at,
        }
        for one in _described(rows)
    ]


def _described(rows: list[Any]) -> list[Any]:
    """With what lists say of them."""
    return [*described(rows)]


@runs.get("", response=Runs, summary="List runs", exclude_unset=True)
def run_list(request: HttpRequest, asked: Query[RunQuery]) -> Any:
    """Runs, the newest first; `sort=run` for the oldest."""
    return page_of(request, Runs, RUNS, asked, _items)


@runs.get("/{number}", response=RunWhole, summary="One run")
def run(request: HttpRequest, number: Path[Number]) -> Any:
    """A run with what it measured and what came of it."""
    user = who(request)
    row = one_of(listed(Run.objects.visible_to(user)), "run", pk=number)
    slots = RunSlot.objects.visible_to(user).filter(run=row)
    tasks = list(row.task_group.tasks.order_by("pk")) if row.task_group else []
    told = seen_of(user, tasks)
    analyses = Analysis.objects.visible_to(user).filter(run_file__run=row).order_by("pk")
    return {
        **_items([row])[0],
        "uuid": str(row.uuid),
        "measured_at": row.measured_at,
        "note": row.note,
        "parameters": row.parameters,
        "slots": [
            {"slot": slot, "serial": serial}
            for slot, serial in slots.order_by("slot").values_list("slot", "device__serial")
        ],
        "files": [run_file(one) for one in RunFile.objects.visible_to(user).filter(run=row)],
        "analyses": list(analyses.values_list("pk", flat=True)),
        "tasks": [
            {
                "id": one.pk,
                "name": one.name,
                "title": one.title,
                "state": one.state,
                "error": one.error_text if one in told else "",
            }
            for one in tasks
        ],
    }


@files.get(
    "/{number}",
    summary="Bytes of a file",
    response={200: None},
    openapi_extra={
        "responses": {200: {"description": "OK", **BYTES}, 206: {"description": "A part", **BYTES}}
    },
)
def file(request: HttpRequest, number: Path[Number]) -> Any:
    """A run file byte for byte; with `Range: bytes=0-999` a part of it (206)."""
    row = one_of(RunFile.objects.visible_to(who(request)), "file", pk=number)
    name, asked = row.original_name.rpartition("/")[2], request.headers.get("Range", "")
    found = stored_range(row, name, asked)
    if found.status_code == 416:
        text = f"The file has {row.size} bytes; there is nothing at {asked[:60]}."
        return problem(416, text, headers={"Content-Range": found.headers["Content-Range"]})
    return found


@attachments.get(
    "/{number}",
    summary="Bytes of an attachment",
    response={200: None},
    openapi_extra={"responses": {200: {"description": "OK", **BYTES}}},
)
def attachment(request: HttpRequest, number: Path[Number]) -> Any:
    """A file that was attached to a device."""
    row = one_of(Attachment.objects.visible_to(who(request)), "attachment", pk=number)
    return stored_file(row, row.original_name)


class StationOut(Schema):
    """A station and what sits in it, as far as it is seen."""

    name: str
    stage: str
    slots: int
    institute: str | None
    remote: bool
    calibrated_until: dt.date | None
    loaded: list[Slot]


class Stations(Schema):
    """All stations: a few dozen."""

    items: list[StationOut]


def _station(row: Station, loaded: list[LoadedDevice]) -> dict[str, Any]:
    return {
        "name": row.name,
        "stage": row.stage,
        "slots": row.slots,
        "institute": row.institute.name if row.institute else None,
        "remote": row.remote,
        "calibrated_until": row.calibrated_until,
        "loaded": [
            {"slot": one.slot, "serial": one.device.serial}
            for one in loaded
            if one.station_id == row.pk
        ],
    }


@stations.get("", response=Stations, summary="List stations")
def station_list(request: HttpRequest) -> Any:
    """Stations by name, with what is loaded."""
    loaded = list(LoadedDevice.objects.visible_to(who(request)).select_related("device"))
    rows = Station.objects.select_related("institute")
    return {"items": [_station(row, loaded) for row in rows]}


@stations.get("/{name}", response=StationOut, summary="One station")
def station(request: HttpRequest, name: str) -> Any:
    """A station with what is loaded."""
    return shown_station(
        request, one_of(Station.objects.select_related("institute"), "station", name=name)
    )


def shown_station(request: HttpRequest, row: Station) -> dict[str, Any]:
    """A station with what of its devices is seen."""
    loaded = LoadedDevice.objects.visible_to(who(request)).filter(station=row)
    return _station(row, list(loaded.select_related("device")))


class Load(Said):
    """Devices by slot."""

    slots: dict[Annotated[int, Field(ge=1, le=32_767)], Text] = Field(
        description="Slot (from 1) -> serial.", examples=[{"1": "A0001", "2": "A0002"}]
    )
    instead: bool = Field(
        False, description="First take out what sits there; it stays where the new are refused."
    )


@stations.post("/{name}/load", response=StationOut, summary="Load devices")
@once
def load(request: HttpRequest, name: str, said: Load) -> Any:
    """Put devices into slots: all of them or none; a fault names its slot."""
    user = with_right(request, "runs.add_loadeddevice")
    if said.instead:
        with_right(request, "runs.delete_loadeddevice")
    row = one_of(Station.objects.select_related("institute"), "station", name=name)
    load_station(row, said.slots, instead=said.instead, by=user)
    return shown_station(request, row)


@stations.post("/{name}/unload", response=StationOut, summary="Unload a station")
@once
def unload(request: HttpRequest, name: str) -> Any:
    """Take all devices out."""
    user = with_right(request, "runs.delete_loadeddevice")
    row = one_of(Station.objects.select_related("institute"), "station", name=name)
    unload_station(row, by=user)
    return shown_station(request, row)


class Start(Said):
    """A run of what is loaded."""

    parameters: dict[str, Any] = Field(
        {}, description="As the stage declares them; what is left out has its default."
    )
    override: Text = Field("", description="Why it starts although the calibration has ended.")


@stations.post("/{name}/runs", response={201: RunWhole}, summary="Start a run")
@once
def start(request: HttpRequest, name: str, said: Start) -> Any:
    """Measure what is loaded, check the file, analyse, judge. Its tasks tell how it goes."""
    user = with_right(request, "runs.add_run")
    row = one_of(Station.objects.all(), "station", name=name)
    made = start_run(row, row.stage, said.parameters, by=user, override=said.override)
    return Status(201, run(request, made.pk))
