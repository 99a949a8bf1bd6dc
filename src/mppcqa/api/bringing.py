"""Bringing: files in pieces, and runs that were measured without the queue."""

from __future__ import annotations

import datetime as dt
import hashlib
import uuid as uuids
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Header, Path, Query, Router, Schema, Status
from pydantic import Field, StringConstraints

from mppcqa.api.asking import one_of, with_right
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty
from mppcqa.api.runs import RunWhole, run, runs
from mppcqa.api.said import Said
from mppcqa.api.station.schemas import SUM
from mppcqa.refused import Fault
from mppcqa.runs.brought import (
    MOST_BYTES,
    Plan,
    bring_piece,
    configuration_of,
    size_here,
    take_run,
)
from mppcqa.runs.models import Station

plans, uploads = (Router(tags=["runs"]) for _one in range(2))
PIECE_BYTES = 1 << 20
Sum = Annotated[str, StringConstraints(pattern=SUM)]
PIECE_SUM: Any = Header(..., alias="X-Piece-SHA256", pattern=SUM)  # type: ignore[type-arg]
PIECE: Any = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class Upload(Schema):
    """How much of a file is here."""

    size: int
    whole: bool = Field(description="Whether it is the file of that SHA-256.")
    piece_bytes: int = Field(description="The most that is taken in one piece.")


def _here(found: tuple[int, bool]) -> dict[str, Any]:
    return {"size": found[0], "whole": found[1], "piece_bytes": PIECE_BYTES}


@uploads.get("/{sha256}", response=Upload, summary="How much of a file is here")
def upload(request: HttpRequest, sha256: Path[Sum]) -> Any:
    """From where on to send: a file is named by its SHA-256, and is each person's own."""
    return _here(size_here(with_right(request, "runs.add_run"), sha256))


class PieceQuery(Schema):
    """Where a piece belongs."""

    offset: int = Field(0, ge=0, lt=MOST_BYTES)
    size: int = Field(ge=1, le=MOST_BYTES, description="Of the whole file.")


@uploads.put("/{sha256}", response=Upload, summary="Bring a piece of a file", openapi_extra=PIECE)
def bring(
    request: HttpRequest,
    sha256: Path[Sum],
    asked: Query[PieceQuery],
    x_piece_sha256: str = PIECE_SUM,
) -> Any:
    """A piece as the request's body. What is here already is not taken twice.

    The answer says from where on to send. A file that nobody asks for goes after a week.
    """
    user = with_right(request, "runs.add_run")
    if hashlib.sha256(request.body).hexdigest() != x_piece_sha256.lower():
        text = "The piece arrived damaged: send it again."
        raise Faulty([Fault(text, field="X-Piece-SHA256")])
    return _here(bring_piece(user, sha256, asked.size, asked.offset, request.body))


class Measured(Said):
    """What a program measures by itself, at a station or at none."""

    stage: Text = Field(description="Key of a stage.")
    slots: dict[Annotated[int, Field(ge=1, le=32_767)], Text] = Field(
        description="Slot (from 1) -> serial.", examples=[{"1": "A0001"}], max_length=1000
    )
    parameters: dict[str, Any] = Field({}, description="As the stage declares them.")
    station: Text = Field("", description="Name of the station, where it has one.")


class Brought(Measured):
    """A run with its file."""

    uuid: uuids.UUID = Field(description="`run_uuid` of the file; a run of it is there once.")
    sha256: Sum = Field(description="Of the file, which was brought to /uploads.")
    measured_at: dt.datetime | None = Field(None, description="Now where it is left out.")
    note: Text = ""


class Configuration(Schema):
    """What a test program gets as `run.json`."""

    run: int
    run_uuid: str
    stage: str
    station: str
    operator: str
    parameters: dict[str, Any]
    slots: list[dict[str, Any]]
    operator_uuid: str | None = None


def _plan(said: Measured, **more: Any) -> Plan:
    station = None
    if said.station:
        station = one_of(Station.objects.all(), "station", name=said.station)
    return Plan(said.stage, said.slots, said.parameters, station, **more)


@plans.post("", response=Configuration, summary="Plan a run of a program's own")
def plan(request: HttpRequest, said: Measured) -> Any:
    """What to measure, as a station's test program is told it; nothing is kept.

    The file says `run` 0 and the `run_uuid` of this answer.
    """
    user = with_right(request, "runs.add_run")
    return configuration_of(_plan(said), by=user)


@runs.post("", response={201: RunWhole}, summary="Take in a run that was measured")
@once
def take(request: HttpRequest, said: Brought) -> Any:
    """A run file that a program measured by itself: it is checked, kept, analysed, judged.

    Asked again with the same `uuid` it is the same run.
    """
    user = with_right(request, "runs.add_run")
    when = said.measured_at
    if when is not None and when.tzinfo is None:
        when = when.replace(tzinfo=dt.UTC)
    made = _plan(said, uuid=said.uuid, note=said.note, measured_at=when)
    return Status(201, run(request, take_run(made, said.sha256, by=user).pk))
