"""What is done with devices: moves, comments, names, records, cases, attached files."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpRequest
from ninja import Path, Query, Router, Schema, Status
from pydantic import Field

from mppcqa.api import schemas as say
from mppcqa.api.asking import one_of, who, with_right
from mppcqa.api.devices import find, router, whole
from mppcqa.api.lists import Text
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty
from mppcqa.api.runs import Number, attachments
from mppcqa.api.said import Said
from mppcqa.inventory import deciding
from mppcqa.inventory.attachments import attach, remove_attachment, safe_name
from mppcqa.inventory.cases import Case
from mppcqa.inventory.models import Attachment, Comment, Device
from mppcqa.inventory.moving import MoveRefused, move_all_by_hand
from mppcqa.inventory.naming import rename_device
from mppcqa.inventory.records import DeviceRecord
from mppcqa.inventory.serials import normal_serial
from mppcqa.inventory.states import Move
from mppcqa.limits.records import NewRecord, add_records, withdraw
from mppcqa.refused import Fault, Refused

cases, moves, records = (Router(tags=["devices"]) for _one in range(3))
MOST = 500
Serials = Annotated[list[Text], Field(min_length=1, max_length=MOST, examples=[["A0001"]])]
Long = Annotated[str, Field(min_length=1, max_length=5000)]


def seen(serials: list[str], user: Any) -> dict[int, str]:
    """Ids of devices by their serials; `Faulty` with the row of each that is not there."""
    wanted = [normal_serial(one) for one in serials]
    rows = Device.objects.visible_to(user).filter(serial__in=wanted)
    found = {serial: pk for pk, serial in rows.values_list("pk", "serial")}
    text = "There is no device {}, or you do not see it."
    faults = [
        Fault(text.format(one), field="serials", row=row)
        for row, one in enumerate(wanted)
        if one not in found
    ]
    if faults:
        raise Faulty(faults)
    return {found[one]: one for one in wanted}


def device_of(serial: str, user: Any) -> Device:
    """A device to do something with; 404 where the person sees none."""
    return Device.objects.visible_to(user).get(pk=find(serial, user).pk)


class MoveIn(Said):
    """Devices and what is done with them."""

    serials: Serials
    move: Text = Field(
        description="hold, release, install, retire, lose, find …", examples=["hold"]
    )
    why: Text = Field("", description="Needed for most; it is kept with the device.")


class Moved(Schema):
    """All of them, or none."""

    moved: list[str]


@moves.post("", response=Moved, summary="Move devices")
@once
def move(request: HttpRequest, said: MoveIn) -> Any:
    """What a person does with devices by hand: all or none; a fault has the row of its device."""
    user = with_right(request, "inventory.change_device")
    if said.move not in Move.values:
        text = f"There is no move “{said.move}”; there is: {', '.join(Move.values)}."
        raise Faulty([Fault(text, field="move")])
    devices = seen(said.serials, user)
    try:
        move_all_by_hand(list(devices), Move(said.move), said.why, by=user)
    except MoveRefused as error:
        rows = {pk: row for row, pk in enumerate(devices)}
        raise Refused(
            Fault(str(one), field="move" if one.row not in rows else "serials",
                  row=rows.get(one.row) if one.row is not None else None)
            for one in error.faults
        ) from error  # fmt: skip
    return {"moved": list(devices.values())}


class CommentIn(Said):
    """What is said of a device."""

    text: Long


@router.post("/{serial}/comments", response={201: say.Device}, summary="Comment on a device")
@once
def comment(request: HttpRequest, serial: str, said: CommentIn) -> Any:
    """Say something of a device; its history has it."""
    user = with_right(request, "inventory.add_comment")
    row = device_of(serial, user)
    text = said.text.strip()
    if not text:
        raise Faulty([Fault("The comment is empty.", field="text")])
    Comment.objects.create(device=row, text=text, author=user)
    return Status(201, whole(find(serial, user), user))


class RenameIn(Said):
    """The new serial and why."""

    serial: Text
    reason: Text


@router.post("/{serial}/rename", response=say.Device, summary="Rename a device")
@once
def rename(request: HttpRequest, serial: str, said: RenameIn) -> Any:
    """Another serial number; the former one leads to the device from now on."""
    user = with_right(request, "inventory.change_device")
    made = rename_device(device_of(serial, user), said.serial, reason=said.reason, by=user)
    return whole(find(made.serial, user), user)


class Attached(Schema):
    """An attachment."""

    id: int
    name: str


class AttachQuery(Schema):
    """How it is called."""

    name: Text = Field(description="With its ending.", examples=["photograph.jpg"])


ANY: Any = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.post(
    "/{serial}/attachments",
    response={201: Attached},
    summary="Attach a file",
    openapi_extra=ANY,
)
def attach_file(request: HttpRequest, serial: str, asked: Query[AttachQuery]) -> Any:
    """The file as the request's body; the kinds that pages take, and no more than these take."""
    user = with_right(request, "inventory.add_attachment")
    file = SimpleUploadedFile(safe_name(asked.name), request.body)
    row = attach(device_of(serial, user), file, by=user)
    return Status(201, {"id": row.pk, "name": row.original_name})


@attachments.delete("/{number}", response={204: None}, summary="Remove an attachment")
def detach(request: HttpRequest, number: Path[Number]) -> Any:
    """Remove a file that was attached to a device."""
    user = with_right(request, "inventory.delete_attachment")
    remove_attachment(one_of(Attachment.objects.visible_to(user), "attachment", pk=number))
    return Status(204, None)


class CaseIn(Said):
    """What is not right."""

    reason: Long


class CaseOut(Schema):
    """What is not right with a device, and what was decided."""

    id: int
    serial: str
    reason: str
    opened_at: dt.datetime
    disposition: str = Field(description="What becomes of it; empty while it is open.")
    why: str


def _case(row: Case) -> dict[str, Any]:
    return {
        "id": row.pk,
        "serial": row.device.serial,
        "reason": row.reason,
        "opened_at": row.opened_at,
        "disposition": row.disposition,
        "why": row.decided_why,
    }


@router.post("/{serial}/case", response={201: CaseOut}, summary="Open a case")
@once
def open_case(request: HttpRequest, serial: str, said: CaseIn) -> Any:
    """Say what is not right with a device: it is held until somebody decides."""
    user = with_right(request, "inventory.add_case")
    row = deciding.open_case(device_of(serial, user), said.reason, by=user)
    return Status(201, _case(row))


def _case_of(user: Any, number: int) -> Case:
    rows = Case.objects.filter(device__in=Device.objects.visible_to(user))
    return one_of(rows.select_related("device"), "case", pk=number)


@cases.get("/{number}", response=CaseOut, summary="One case")
def case(request: HttpRequest, number: Path[Number]) -> Any:
    """What is not right with a device, and what was decided."""
    return _case(_case_of(who(request), number))


class DecideIn(Said):
    """What becomes of the device."""

    disposition: Text = Field(description="use, again, return or scrap.", examples=["use"])
    why: Text


@cases.post("/{number}/decide", response=CaseOut, summary="Decide a case")
@once
def decide(request: HttpRequest, number: Path[Number], said: DecideIn) -> Any:
    """Say what becomes of the device, and do it."""
    user = with_right(request, "inventory.change_case")
    row = _case_of(user, number)
    deciding.decide(row, said.disposition, said.why, by=user)
    row.refresh_from_db()
    return _case(row)


class RecordIn(Said):
    """Something that was done to devices: irradiation, annealing …"""

    serials: Serials
    kind: Text = Field(description="Key of a kind of record.", examples=["irradiation"])
    done_at: dt.datetime
    facts: dict[Text, float | Text] = Field(description="By the keys of the kind's fields.")
    uncertainty: float | None = Field(None, ge=0, le=10, description="Relative, of the amounts.")
    remark: Annotated[str, Field(max_length=300)] = ""


class Recorded(Schema):
    """The records, in the order of the devices."""

    ids: list[int]


@records.post("", response={201: Recorded}, summary="Record what was done")
@once
def record(request: HttpRequest, said: RecordIn) -> Any:
    """For all of the devices or none; runs after it are brought in line by tasks."""
    user = with_right(request, "inventory.add_devicerecord")
    devices = list(seen(said.serials, user))
    when = said.done_at
    when = when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when
    made = NewRecord(said.kind, when, said.facts, said.uncertainty, said.remark, devices)
    return Status(201, {"ids": [row.pk for row in add_records([made], by=user)]})


class WhyIn(Said):
    """Why."""

    why: Text


@records.post("/{number}/withdraw", response={204: None}, summary="Withdraw a record")
def take_back(request: HttpRequest, number: Path[Number], said: WhyIn) -> Any:
    """A record that was wrong does not count any more; it stays in the history."""
    user = with_right(request, "inventory.delete_devicerecord")
    rows = DeviceRecord.objects.filter(device__in=Device.objects.visible_to(user))
    withdraw(one_of(rows, "record", pk=number), said.why, by=user)
    return Status(204, None)
