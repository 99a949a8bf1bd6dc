"""``/api/v1/devices``: the list, a device with what stands of it, its values, history and files."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from ninja import Query, Router, Schema
from ninja.errors import HttpError
from pydantic import Field

from mppcqa.api import schemas as say
from mppcqa.api.asking import who
from mppcqa.api.lists import MOST, ListQuery, Text, page_of
from mppcqa.exchange.values_out import value_batches
from mppcqa.inventory.device_fields import DEVICE_FIELDS
from mppcqa.inventory.models import Attachment, Device, SerialAlias
from mppcqa.inventory.scope import scope_of
from mppcqa.inventory.serials import normal_serial
from mppcqa.results.models import Standing
from mppcqa.results.references import stored_axes
from mppcqa.runs.models import RunFile
from mppcqa.runs.seats import shown_states
from mppcqa.views.device import device_view
from mppcqa.views.history import device_history
from mppcqa.views.verdict import standing_outcomes
from mppcqa.web.devices.listing import DEVICES

router = Router(tags=["devices"])
READ = {
    "type": "device_type__name",
    "location": "location__name",
    "lot": "lot__name",
    "tray": "tray__name",
    "tray_row": "tray_row",
    "tray_column": "tray_column",
    "parent": "parent__serial",
    "registered_at": "registered_at",
    **{one.key: one.path for one in DEVICE_FIELDS},
}
"""Fields and the columns that they are read from."""
SHOW = ("pk", "serial", "uuid", "state", *READ.values())


class DeviceQuery(ListQuery):
    """Filters of the list of devices, as its page has them; things with names by name or number."""

    q: Text = Field("", description="How the serial begins, or a former serial.")
    type: Text = Field("", description="Device type.")
    place: Text = Field("", description="Institute where it is.")
    campaign: Text = ""
    owner: Text = Field("", description="Institute that owns it.")
    state: Text = ""
    stage: Text = Field("", description="Key of a stage: devices that were measured at it.")
    outcome: Text = Field("", description="Verdict; with `stage` none, for not tested.")
    next: Text = Field("", description="Key of the stage that it needs next, hold or done.")
    tray: Text = ""
    lot: Text = ""
    tag: Text = ""
    part_of: Text = Field("", description="Serial of a whole: its parts, and theirs.")


def _show(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.values_list(*SHOW, named=True)


def device_items(rows: list[Any], user: Any) -> list[dict[str, Any]]:
    """Devices as objects: with their verdicts, in two questions however many they are."""
    states = shown_states({row.pk: row.state for row in rows})
    verdicts = standing_outcomes([row.pk for row in rows])
    hidden = _hidden_parents(rows, user)
    found = []
    for row in rows:
        item = {
            "serial": row.serial,
            "uuid": str(row.uuid),
            "state": str(states[row.pk].value),
            **{key: getattr(row, path) or None for key, path in READ.items() if "tray_" not in key},
            "tray_row": row.tray_row,
            "tray_column": row.tray_column,
            "verdicts": {
                stage: {"outcome": outcome, "waived": waived}
                for stage, (outcome, waived) in verdicts.get(row.pk, {}).items()
            },
        }
        if item["parent"] in hidden:
            item["parent"] = None
        found.append(item)
    return found


def _hidden_parents(rows: list[Any], user: Any) -> set[str]:
    """Serials of wholes that a person who is bound does not see."""
    parents = {row.parent__serial for row in rows if row.parent__serial}
    if not parents or not scope_of(user).bound:
        return set()
    seen = Device.objects.visible_to(user).filter(serial__in=parents)
    return parents - set(seen.values_list("serial", flat=True))


@router.get("", response=say.Devices, summary="List devices", exclude_unset=True)
def devices(request: HttpRequest, asked: Query[DeviceQuery]) -> Any:
    """Devices by the filters of their page, a page of them by key."""
    user = who(request)
    return page_of(
        request, say.Devices, DEVICES, asked, lambda rows: device_items(rows, user), show=_show
    )


def find(serial: str, user: Any) -> Any:
    """A device by its serial, or a former one; 404 where the person sees none."""
    rows = _show(Device.objects.visible_to(user))
    wanted = normal_serial(serial)
    found = rows.filter(serial=wanted).first()
    if found is None:
        former = SerialAlias.objects.visible_to(user).filter(serial=wanted)
        found = rows.filter(pk__in=list(former.values_list("device", flat=True))).first()
    if found is None:
        raise HttpError(404, f"There is no device {serial[:60]}, or you do not see it.")
    return found


@router.get("/{serial}", response=say.Device, summary="One device")
def device(request: HttpRequest, serial: str) -> Any:
    """A device with its verdicts and what they rest on. A former serial finds it as well."""
    return whole(find(serial, who(request)), who(request))


def whole(row: Any, user: Any) -> dict[str, Any]:
    """All that the API says of a device."""
    rows = Device.objects.visible_to(user).select_related("device_type__maker", "registered_by")
    more = rows.get(pk=row.pk)
    kind, by = more.device_type, more.registered_by
    return {
        **device_items([row], user)[0],
        "maker": kind.maker.name if kind.maker else None,
        "channels": kind.channels,
        "maker_values": more.maker_values,
        "installed": more.installed,
        "tags": [tag.name for tag in more.tags.all()],
        "former_serials": [one.serial for one in more.aliases.all()],
        "registered_by": by.get_username() if by else None,
        "standings": standings(Standing.objects.visible_to(user).filter(device=row.pk)),
    }


def standings(rows: QuerySet[Standing]) -> list[dict[str, Any]]:
    """Verdicts with what they rest on, by stage."""
    related = ("verdict__waiver", "verdict__limit_set__campaign", "analysis__run_file")
    found = []
    for one in rows.select_related(*related).order_by("stage"):
        verdict, waiver = one.verdict, getattr(one.verdict, "waiver", None)
        file = one.analysis.run_file
        found.append(
            {
                "stage": one.stage,
                "outcome": one.outcome,
                "waived": waiver is not None and waiver.holds,
                "waiver": waiver.reason if waiver is not None and waiver.holds else None,
                "limit_set": verdict.limit_set_id if verdict else None,
                "limits": verdict.limit_set.named if verdict else None,
                "analysis": one.analysis_id,
                "run": file.run_id,
                "file": file.pk,
                "changed_at": one.changed_at,
            }
        )
    return found


class ValueQuery(Schema):
    """Which values of a device."""

    stage: Text = ""
    quantity: Text = Field("", description="Key of a quantity.")
    every: bool = Field(False, description="Those of all analyses, not of those that count alone.")


@router.get("/{serial}/values", response=say.Values, summary="Values of a device")
def values(request: HttpRequest, serial: str, asked: Query[ValueQuery]) -> Any:
    """The measured values of a device. Of many devices: `/api/v1/measurements`."""
    row = find(serial, who(request))
    filters = {"serials": row.serial, "quantity": asked.quantity, "of_stage": asked.stage}
    filters |= {"every": "1"} if asked.every else {}
    axes = stored_axes()
    found: list[dict[str, Any]] = []
    for batch in value_batches(filters, who(request)):
        found += _values(batch, axes)
    # Not checked against the schema one by one: there may be thousands.
    return HttpResponse(json.dumps({"items": found}), content_type="application/json")


KEPT = ("serial", "stage", "quantity", "unit", "channel", "value", "statistical", "systematic")
LAST = ("bound", "analysis")


def _values(batch: Any, axes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Rows of a batch as objects, with the axes that they were measured at."""
    names = (*KEPT, *LAST)
    columns = [_listed(batch.column(name)) for name in names]
    at = {
        key: column
        for key in axes
        if (column := _listed(batch.column(key))).count(None) < len(column)
    }
    for number, row in enumerate(zip(*columns, strict=True)):
        condition = {key: one[number] for key, one in at.items() if one[number] is not None}
        yield {**dict(zip(names, row, strict=True)), "condition": condition}


def _listed(column: Any) -> list[Any]:
    """Its cells; texts are looked up once each."""
    if not hasattr(column, "dictionary"):
        return list(column.to_pylist())
    texts = column.dictionary.to_pylist()
    return [texts[place] for place in column.indices.to_pylist()]


@router.get("/{serial}/history", response=say.History, summary="History of a device")
def history(request: HttpRequest, serial: str) -> Any:
    """What happened to it, in words of the language that `Accept-Language` asks for."""
    row = find(serial, who(request))
    view = device_view(row.serial, viewer=who(request), with_stages=False)
    if view is None:
        raise HttpError(404, f"There is no device {serial[:60]}.")
    return {"items": [asdict(one) for one in device_history(view)]}


@router.get("/{serial}/files", response=say.Files, summary="Files of a device")
def files(request: HttpRequest, serial: str) -> Any:
    """Files of the runs that it was in, and what was attached to it."""
    user = who(request)
    row = find(serial, user)
    of_runs = RunFile.objects.visible_to(user).filter(run__slots__device=row.pk).order_by("-pk")
    attached = Attachment.objects.visible_to(user).filter(device=row.pk)
    return {
        "items": [
            *(run_file(one) for one in of_runs[:MOST]),
            *(
                {
                    "id": one.pk,
                    "kind": "attachment",
                    "name": one.original_name,
                    "size": None,
                    "sha256": one.sha256 or None,
                    "run": None,
                    "address": f"/api/v1/attachments/{one.pk}",
                }
                for one in attached
            ),
        ]
    }


def run_file(row: RunFile) -> dict[str, Any]:
    """A file of a run as an object."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "name": row.original_name,
        "size": row.size,
        "sha256": row.sha256,
        "run": row.run_id,
        "address": f"/api/v1/files/{row.pk}",
    }
