"""``POST /api/v1/devices``: many devices at once, registered or brought up to date."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpRequest
from ninja import Schema
from pydantic import ConfigDict, Field, create_model

from mppcqa.api.asking import with_right
from mppcqa.api.devices import router as router
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.said import Said
from mppcqa.inventory.actions import RegistrationError
from mppcqa.inventory.device_fields import DEVICE_FIELDS
from mppcqa.inventory.device_rows import DeviceRows
from mppcqa.inventory.device_writing import make_ready, write_ready
from mppcqa.inventory.serials import normal_serial

MOST_ROWS = 5000
Position = Annotated[int, Field(ge=0, le=32_767)]


class _DeviceIn(Said):
    model_config = ConfigDict(
        json_schema_extra={"example": {"serial": "A0001", "device_type": "S12045(X)"}},
    )
    serial: Text
    device_type: Text = Field("", description="Needed for a new device.")
    lot: Text = Field("", description="Made where it is not there.")
    location: Text = ""
    tray: Text = ""
    tray_row: Position | None = Field(None, description="From 0.")
    tray_column: Position | None = Field(None, description="From 0.")
    parent: Text = Field("", description="Serial of what it is part of.")
    maker_values: dict[Text, float | Text] = {}


_FIELDS: Any = {one.key: (Text, Field("", description=one.title)) for one in DEVICE_FIELDS}
DeviceIn: Any = create_model("DeviceIn", __base__=_DeviceIn, **_FIELDS)


class Rows(Said):
    """Devices, and what is done with those that are registered already."""

    existing: Literal["refuse", "skip", "update"] = "refuse"
    devices: Annotated[list[DeviceIn], Field(min_length=1, max_length=MOST_ROWS)]


class RowResult(Schema):
    """What was done with a row, in the order in which they were sent."""

    serial: str
    done: str = Field(description="registered, updated or skipped.")


class Result(Schema):
    """All rows are done, or none: then 409 names every fault with row and field."""

    registered: int
    updated: int
    skipped: int
    rows: list[RowResult]


@router.post("", response=Result, summary="Register devices, or bring them up to date")
@once
def register(request: HttpRequest, said: Rows) -> Any:
    """Up to 5000 devices. What an update leaves out stays as it is."""
    user = with_right(request, "inventory.add_device")
    if said.existing == "update":
        with_right(request, "inventory.change_device")
    rows = [_row(one) for one in said.devices]
    with transaction.atomic():
        plan = DeviceRows(by=user, existing=said.existing).plan(rows, range(len(rows)))
        if plan.faults:
            raise RegistrationError(sorted(plan.faults, key=lambda fault: fault.row))
        new, changed = ({one.serial for one in some} for some in (plan.new, plan.changed))
        write_ready([make_ready(plan)], by=user)
    serials = [normal_serial(row["serial"]) for row in rows]
    return {
        "registered": len(new),
        "updated": len(changed),
        "skipped": plan.skipped,
        "rows": [
            {
                "serial": one,
                "done": "registered" if one in new else "updated" if one in changed else "skipped",
            }
            for one in serials
        ],
    }


def _row(one: Any) -> dict[str, Any]:
    """A row as tables have them: what is not given is not in it."""
    given = one.model_dump()
    return {key: value for key, value in given.items() if value not in ("", None, {})}
