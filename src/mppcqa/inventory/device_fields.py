"""Plain facts of a device that people write or tables bring, each declared once.

From here a field is in the form, the list, the page and the report, in import and export. To add
one: a text column of `Device`, or a key to a table of things with unique names (and the migration),
and its line here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext_noop

from mppcqa.inventory.models import Device
from mppcqa.inventory.states import Move


@dataclass(frozen=True)
class DeviceField:
    """A fact of a device: the column `key` of its table, a text or a key to something named."""

    key: str
    title: str
    """English, to be translated where it is shown."""
    headings: tuple[str, ...] = ()
    """What people write above its column, in small letters."""
    listed: bool = False
    """Whether the list of devices has a column of it, where the devices on the page differ."""
    told_as: Move | None = None
    """The move that a change of it is told as in the device's history; None where it is not."""

    @property
    def of(self) -> type[models.Model] | None:
        """What it refers to by name; None for a text."""
        found = Device._meta.get_field(self.key).related_model
        return found if isinstance(found, type) else None

    @property
    def path(self) -> str:
        """Where a query finds its text."""
        return self.key if self.of is None else f"{self.key}__name"

    @property
    def most(self) -> int:
        """Characters that it may have."""
        column = (
            Device._meta.get_field(self.key) if self.of is None else self.of._meta.get_field("name")
        )
        assert isinstance(column, models.CharField)  # noqa: S101
        return int(column.max_length or 0)

    @property
    def always(self) -> bool:
        """Whether every device has it."""
        return self.of is not None and not Device._meta.get_field(self.key).null

    def titles(self) -> dict[int, str]:
        """Names of what it may refer to, by key."""
        return {one.pk: name for name, one in self.choices().items()}

    def choices(self) -> dict[str, Any]:
        """What it may refer to, by name: few."""
        rows: Iterable[Any] = self.of._default_manager.all() if self.of else ()
        return {one.name: one for one in rows}


DEVICE_FIELDS: tuple[DeviceField, ...] = (
    DeviceField(
        "campaign",
        gettext_noop("Campaign"),
        ("campaign", "project", "campaña", "proyecto"),
        listed=True,
        told_as=Move.JOIN,
    ),
    DeviceField(
        "owner",
        gettext_noop("Owner"),
        ("owner", "owning institute", "owned by", "propietario", "instituto propietario", "dueño"),
        listed=True,
        told_as=Move.OWN,
    ),
    DeviceField(
        "maker_serial",
        gettext_noop("Maker's serial number"),
        (
            *("maker serial", "maker's serial", "maker's serial number", "manufacturer serial"),
            *("manufacturer serial number", "vendor serial", "serial of the maker"),
            *("serie del fabricante", "número de serie del fabricante"),
        ),
        listed=True,
    ),
)
TEXTS = tuple(one for one in DEVICE_FIELDS if one.of is None)
REFERENCES = tuple(one for one in DEVICE_FIELDS if one.of is not None)
