"""What the server says, as types. A newer server may say more; what it says stays in the dict."""

from __future__ import annotations

from typing import Any, TypedDict


class Verdict(TypedDict):
    """What stands for a device at a stage."""

    outcome: str
    waived: bool


class DeviceRow(TypedDict, total=False):
    """A device of a list; with ``fields`` only these are there."""

    serial: str
    uuid: str
    type: str
    state: str
    location: str | None
    lot: str | None
    tray: str | None
    tray_row: int | None
    tray_column: int | None
    parent: str | None
    campaign: str | None
    owner: str | None
    maker_serial: str | None
    registered_at: str
    verdicts: dict[str, Verdict]


class Value(TypedDict):
    """A measured value; the uncertainties are one standard deviation, in the value's unit."""

    serial: str
    stage: str
    quantity: str
    unit: str
    channel: int
    condition: dict[str, float]
    value: float | None
    statistical: float | None
    systematic: float
    bound: str
    analysis: int


class RunRow(TypedDict, total=False):
    """A run."""

    id: int
    stage: str
    station: str | None
    state: str
    operator: str | None
    created_at: str
    slots: list[dict[str, Any]]
    tasks: list[dict[str, Any]]
    files: list[dict[str, Any]]
    analyses: list[int]


class TaskRow(TypedDict, total=False):
    """A task."""

    id: int
    name: str
    title: str
    state: str
    progress: float | None
    error: str
    waits_for: str
    result: Any
    messages: list[str]


class Registered(TypedDict):
    """What was done with a row of `Client.register`: registered, updated or skipped."""

    serial: str
    done: str
