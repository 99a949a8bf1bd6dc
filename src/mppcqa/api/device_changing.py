"""``PATCH /api/v1/devices/{serial}``: where a device belongs, by the form of its page."""

from __future__ import annotations

from typing import Annotated, Any

from django.db import transaction
from django.http import HttpRequest
from ninja import Status
from pydantic import ConfigDict, Field, create_model

from mppcqa.api import schemas as say
from mppcqa.api.asking import with_right
from mppcqa.api.by_form import as_sent, changed_meanwhile, refuse_faults
from mppcqa.api.devices import find, router, whole
from mppcqa.api.lists import Text
from mppcqa.api.problems import problem
from mppcqa.api.registering import Position
from mppcqa.api.said import Said
from mppcqa.inventory.device_fields import DEVICE_FIELDS
from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.web.devices.edit import DeviceEditForm

IN_FORM = {"lot": "lot_name", "tray": "tray_name", "parent": "parent_serial"}


class _DeviceChange(Said):
    """What of a device changes; null clears a field, what is left out stays."""

    model_config = ConfigDict(json_schema_extra={"example": {"lot": None, "tags": ["beam test"]}})
    lot: Text | None = None
    location: Text | None = Field(None, description="Institute where it is.")
    tray: Text | None = Field(None, description="Null takes it out of its tray.")
    tray_row: Position | None = Field(None, description="From 0.")
    tray_column: Position | None = Field(None, description="From 0.")
    parent: Text | None = Field(None, description="Serial of what it is part of.")
    tags: list[Text] = Field([], description="All that it has from now on, by their names.")


def _field(title: str, always: bool) -> Any:
    """What every device has can be another one, and not none."""
    kind: Any = Annotated[Text, Field(min_length=1)] if always else Text | None
    return (kind, Field(None, description=title))


_FIELDS: Any = {one.key: _field(one.title, one.always) for one in DEVICE_FIELDS}
DeviceChange: Any = create_model("DeviceChange", __base__=_DeviceChange, **_FIELDS)


@router.patch("/{serial}", response={200: say.Device, 204: None}, summary="Change a device")
def change(request: HttpRequest, serial: str, said: DeviceChange) -> Any:
    """What is not given stays. With `If-Match` and the ETag that was read, 412 where it changed.

    204 where the change took it out of what your account sees.
    """
    user = with_right(request, "inventory.change_device")
    given = {IN_FORM.get(key, key): one for key, one in said.model_dump(exclude_unset=True).items()}
    with transaction.atomic():
        key = find(serial, user).pk
        row = Device.objects.visible_to(user).select_for_update().get(pk=key)
        if changed_meanwhile(request, say.Device.model_validate(whole(find(serial, user), user))):
            return problem(412, f"{row} was changed meanwhile: read it again, then change it.")
        blank = DeviceEditForm(instance=row, viewer=user)
        form = DeviceEditForm(as_sent(blank, given), instance=row, viewer=user)
        # The form keeps what the person does not see where nothing is typed; said, it is refused.
        cleared = "parent_serial" in given and not normal_serial(given["parent_serial"])
        if cleared and form.is_valid() and row.parent is not None:
            words = "Your account does not see what it is part of: ask somebody who does."
            form.add_error("parent_serial", words)
        refuse_faults(form, {there: key for key, there in IN_FORM.items()})
        form.store(by=user)
    if not Device.objects.visible_to(user).filter(pk=key).exists():
        return Status(204, None)
    return whole(find(row.serial, user), user)
