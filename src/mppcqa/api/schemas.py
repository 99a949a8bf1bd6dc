"""What the API answers, as its description shows it. A field that is null is not known."""

from __future__ import annotations

import datetime as dt
from typing import Any

from ninja import Schema
from pydantic import ConfigDict, Field, create_model

from mppcqa.api.lists import Page
from mppcqa.inventory.device_fields import DEVICE_FIELDS

Stage = Field(None, description="Key of a stage.")


class Me(Schema):
    """Whose token this is, and what it opens."""

    user: str
    role: str | None
    writes: bool = Field(description="Whether it may change, or only read.")
    token: str = Field(description="How the token begins.")
    ends_at: dt.datetime
    institute: str | None = Field(description="Sees only what this institute owns; null for all.")
    campaign: str | None = Field(description="Sees only what is in it; null for all.")
    rights: list[str]
    version: str


class Verdict(Schema):
    """What stands for a device at a stage."""

    model_config = ConfigDict(json_schema_extra={"example": {"outcome": "pass", "waived": False}})
    outcome: str = Field(description="pass, warning, fail, incomplete; empty for not judged.")
    waived: bool


class _DeviceBase(Schema):
    serial: str
    uuid: str | None = None
    type: str | None = None
    state: str | None = None
    location: str | None = None
    lot: str | None = None
    tray: str | None = None
    tray_row: int | None = Field(None, description="From 0.")
    tray_column: int | None = Field(None, description="From 0.")
    parent: str | None = Field(None, description="Serial of what it is part of.")
    registered_at: dt.datetime | None = None
    verdicts: dict[str, Verdict] | None = Field(None, description="By key of the stage.")


_FIELDS: dict[str, Any] = {
    one.key: (str | None, Field(None, description=one.title)) for one in DEVICE_FIELDS
}
DeviceRow: Any = create_model("DeviceRow", __base__=_DeviceBase, **_FIELDS)


class Devices(Page):
    """A page of devices."""

    items: list[DeviceRow]


class Standing(Schema):
    """A verdict with what it rests on."""

    stage: str
    outcome: str
    waived: bool
    waiver: str | None = Field(description="The reason, where a person set the verdict aside.")
    limit_set: int | None
    limits: str | None = Field(description="Title and version of the limit set.")
    analysis: int
    run: int | None
    file: int
    changed_at: dt.datetime


class _DeviceWhole(DeviceRow):  # type: ignore[misc]
    maker: str | None
    channels: int
    maker_values: dict[str, Any]
    installed: dict[str, Any]
    tags: list[str]
    former_serials: list[str]
    registered_by: str | None
    standings: list[Standing]


class Device(_DeviceWhole):
    """A device with what stands of it; values, history and files have addresses below its own."""


class Value(Schema):
    """A measured value, with its unit and its two standard uncertainties."""

    model_config = ConfigDict(extra="allow")
    serial: str
    stage: str
    quantity: str
    unit: str
    channel: int = Field(description="From 0; -1 for the whole device.")
    condition: dict[str, float] = Field(description="Axes that it was measured at.")
    value: float | None
    statistical: float | None = Field(description="Null where it is not known.")
    systematic: float
    bound: str = Field(description="Empty for a value, < or > where the value is a limit.")
    analysis: int


class Values(Schema):
    """Values of a device."""

    items: list[Value]


class Event(Schema):
    """Something that happened to a device."""

    kind: str
    at: dt.datetime
    text: str
    more: str
    who: str


class History(Schema):
    """The latest events of a device, the latest first."""

    items: list[Event]


class FileOf(Schema):
    """A file of a run, or one that was attached to a device."""

    id: int
    kind: str = Field(description="run, import, checklist, picture; attachment.")
    name: str
    size: int | None
    sha256: str | None
    run: int | None
    address: str = Field(description="Where its bytes are.")


class Files(Schema):
    """Files of a device or a run."""

    items: list[FileOf]
