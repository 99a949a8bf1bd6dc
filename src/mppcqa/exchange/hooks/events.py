"""What webhooks can be told of, and what they are told, as far as a person sees it.

Each function here gives what one happening is for one person: nothing where the person does not
see it. Bodies name things by serial number and uuid, with the number by which the API has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.scope import scope_of
from mppcqa.limits.models import Verdict
from mppcqa.public_address import public_address
from mppcqa.queue.models import Task
from mppcqa.queue.untrusted import one_line
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.models import Run, StationContact

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Json = dict[str, Any]
SERIALS = 500
"""Devices that one delivery names."""


@dataclass(frozen=True)
class Event:
    """A kind of happening."""

    key: str
    title: Any
    told: Any
    """In a sentence, for who chooses it."""


RUN_ENDED = Event("run.ended", _("Run ended"), _("All steps of a run are over, well or not."))
VERDICTS_CHANGED = Event(
    "verdicts.changed",
    _("Verdicts changed"),
    _("Devices were judged, or judged otherwise than before."),
)
TASK_FAILED = Event(
    "task.failed", _("Task failed"), _("A task failed, was lost, or took or came too late.")
)
SHIPMENT_SENT = Event("shipment.sent", _("Shipment sent"), _("A box left."))
ALARM_RAISED = Event(
    "alarm.raised", _("Alarm raised"), _("A station's reference device is not as it was.")
)
STATION_SILENT = Event(
    "station.silent", _("Station silent"), _("A station's computer was not heard of any more.")
)
TEST = Event("test", _("Test"), _("Sent by hand, to see whether it arrives."))
EVENTS = {
    one.key: one
    for one in (
        RUN_ENDED,
        VERDICTS_CHANGED,
        TASK_FAILED,
        SHIPMENT_SENT,
        ALARM_RAISED,
        STATION_SILENT,
    )
}
"""What can be chosen, by key."""


def run_ended(group: int, viewer: AbstractBaseUser) -> Iterator[Json]:
    """A run whose tasks, those of a group (id), are over."""
    seen = Run.objects.visible_to(viewer).select_related("station", "task_group", "operator")
    found = seen.filter(task_group=group).first()
    if found is None:
        return
    devices = Device.objects.visible_to(viewer).filter(run_slots__run=found)
    slots = devices.order_by("run_slots__slot").values_list("run_slots__slot", "serial", "uuid")
    yield {
        "run": found.pk,
        "uuid": str(found.uuid),
        "stage": found.stage,
        "station": found.station.name if found.station else None,
        "operator": found.operator.get_username() if found.operator else None,
        "state": str(found.state),
        "devices": [
            {"slot": slot, "serial": serial, "uuid": str(uuid)} for slot, serial, uuid in slots
        ],
        "page": _page(found.get_absolute_url()),
    }


def verdicts_changed(
    stage: str, changes: Sequence[tuple[int, Verdict | None, Verdict]], viewer: AbstractBaseUser
) -> Iterator[Json]:
    """Devices (ids) with their former and new verdicts, some hundred in each."""
    for start in range(0, len(changes), SERIALS):
        part = changes[start : start + SERIALS]
        keys = [device for device, _former, _new in part]
        seen = Device.objects.visible_to(viewer).filter(pk__in=keys)
        names = {pk: (serial, str(uuid)) for pk, serial, uuid in
                 seen.values_list("pk", "serial", "uuid")}  # fmt: skip
        rows = [
            {
                "serial": names[device][0],
                "uuid": names[device][1],
                "former": None if former is None else str(former.outcome),
                "outcome": str(new.outcome),
                "analysis": new.analysis_id,
                "limits": new.limit_set_id,
            }
            for device, former, new in part
            if device in names
        ]
        if rows:
            yield {"stage": stage, "changes": rows}


def task_failed(task: Task, viewer: AbstractBaseUser) -> Iterator[Json]:
    """A task that ended badly; of who is bound to an institute the own ones, as in the list."""
    if scope_of(viewer).bound and task.requested_by_id != viewer.pk:
        return
    said = (task.error_text.splitlines() or [""])[-1]
    yield {
        "task": task.pk,
        "routine": task.name,
        "title": task.title,
        "state": str(task.state),
        "lane": task.lane,
        "error": one_line(said, 500),
        "about": {"kind": task.about_model, "id": task.about_id} if task.about_model else None,
        "page": _page(reverse("task", args=[task.pk])),
    }


def shipment_sent(shipment: Shipment, viewer: AbstractBaseUser) -> Iterator[Json]:
    """A box that left, with what of it is seen."""
    if not Shipment.objects.visible_to(viewer).filter(pk=shipment.pk).exists():
        return
    inside = Device.objects.visible_to(viewer).filter(shipments=shipment).order_by("serial")
    serials = list(inside.values_list("serial", flat=True))
    for start in range(0, len(serials), SERIALS):
        yield {
            "shipment": shipment.pk,
            "origin": shipment.origin.name,
            "destination": shipment.destination.name,
            "reference": shipment.reference,
            "devices": len(serials),
            "serials": serials[start : start + SERIALS],
            "page": _page(reverse("shipment", args=[shipment.pk])),
        }


def alarm_raised(alarm: StationAlarm, viewer: AbstractBaseUser) -> Iterator[Json]:
    """A station that drifts, where its reference device is seen."""
    device = Device.objects.visible_to(viewer).filter(pk=alarm.device_id).first()
    if device is None:
        return
    yield {
        "station": alarm.station.name,
        "device": {"serial": device.serial, "uuid": str(device.uuid)},
        "quantity": alarm.quantity,
        "off_sigma": alarm.off,
        "run": alarm.run_id,
        "page": _page(alarm.get_absolute_url()),
    }


def station_silent(contact: StationContact, _viewer: AbstractBaseUser) -> Iterator[Json]:
    """A station that was heard of last at a time; everybody sees stations."""
    yield {
        "station": contact.station.name,
        "heard_at": contact.heard_at.isoformat(),
        "host": contact.host,
        "page": _page(contact.station.get_absolute_url()),
    }


def _page(path: str) -> str | None:
    """The page for people; None where nobody outside of the server could open it."""
    pages = public_address().url
    return f"{pages}{path}" if pages else None
