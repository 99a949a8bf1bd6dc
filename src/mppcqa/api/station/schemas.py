"""What stations and server say to each other, as the API's description shows it."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import BeforeValidator, Field, StringConstraints

from mppcqa.api.said import Said

Agent = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{8,40}$")]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,59}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^([0-9a-fA-F]{64})?$")]
SUM = r"^[0-9a-fA-F]{64}$"
Sum = Annotated[str, StringConstraints(pattern=SUM)]
Number = Annotated[int, Field(ge=0, lt=2**31)]
Offset = Annotated[int, Field(ge=0, lt=2**62)]
Text = Annotated[str, StringConstraints(max_length=500)]
Whole = Annotated[int, Field(strict=True)]
Held = tuple[Whole, Whole]
MAX_LOG = 1_200_000


def _as_text(said: object) -> object:
    """A bare number is no moment: nobody says from when it counts."""
    if isinstance(said, dt.datetime) or (isinstance(said, str) and said[4:5] == "-"):
        return said
    raise ValueError("a moment is a text such as 2026-05-04T12:30:00Z")


Moment = Annotated[dt.datetime, BeforeValidator(_as_text)]


class Program(Said):
    """One program of the list that an administrator keeps on the station's computer."""

    name: Name
    title: Text = ""
    stages: Annotated[list[Text], Field(max_length=50)] = []
    time_limit_s: Annotated[float, Field(strict=True)] | None = None


class Asking(Said):
    """What every request has: which installation asks, and what time it is there (UTC)."""

    agent: Agent
    now: Moment


class Hello(Asking):
    """A computer says who it is."""

    version: Text = ""
    python: Text = ""
    host: Text = ""
    platform: Text = ""
    problem: Text = ""
    programs: Annotated[list[Program], Field(max_length=100)] = []


class Welcome(Schema):
    """What a computer must know of its server."""

    station: str
    stage: str
    version: str
    now: dt.datetime
    bell: str = Field(description="Where to listen for work; empty where there is no bell.")
    poll_s: float
    bell_poll_s: float
    piece_bytes: int


class Asked(Asking):
    """A computer asks for work; `holding` are the attempts (task, number) that it has."""

    holding: Annotated[list[Held], Field(max_length=50)] = []


class OrderOut(Schema):
    """An attempt at measuring."""

    task: int
    attempt: int
    run: int
    program: str
    limit_s: float
    config: dict[str, Any] = Field(description="What run.json tells the test program.")


class Work(Schema):
    """What to do, if anything."""

    order: OrderOut | None
    now: dt.datetime


class Bar(Said):
    """Where the bar stands."""

    done: Annotated[int, Field(ge=0, lt=2**63)]
    total: Annotated[int, Field(ge=0, lt=2**63)]
    text: Text = ""


class MessageIn(Said):
    """Something that asks for attention; numbered from 1 within its attempt."""

    number: Annotated[int, Field(ge=1, lt=2**31)]
    level: Text
    text: Annotated[str, StringConstraints(max_length=4000)]


class Going(Asking):
    """How an attempt goes."""

    log_offset: Annotated[int, Field(ge=0, lt=2**62)] = 0
    log: Annotated[str, StringConstraints(max_length=MAX_LOG)] = Field(
        "", description="Bytes of the log from the offset on, in base64."
    )
    progress: Bar | None = None
    messages: Annotated[list[MessageIn], Field(max_length=200)] = []


class StopOut(Schema):
    """The attempt is to end."""

    state: str
    reason: str


class Heard(Schema):
    """What of an attempt is on the server, and whether it is to end."""

    log_size: int
    messages: int
    stop: StopOut | None


class Here(Schema):
    """How much of the run file is on the server."""

    size: int


class EndIn(Asking):
    """How an attempt ended; `size` and `sha256` are those of the run file, if it left one."""

    state: Literal["succeeded", "failed", "killed", "timed_out", "lost"]
    error: Annotated[str, StringConstraints(max_length=20_000)] = ""
    exit_status: Annotated[int, Field(ge=-(2**31), lt=2**31)] | None = None
    run_s: Annotated[float, Field(ge=0, le=1e9)] | None = None
    size: Annotated[int, Field(ge=0, lt=2**62)] = 0
    sha256: Sha256 = ""


class Counted(Schema):
    """Whether the end counts: not where the run was asked for again or stopped meanwhile."""

    counted: bool
