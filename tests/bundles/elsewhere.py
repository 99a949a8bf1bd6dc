"""A second installation in the same database, one after the other: what it did is rolled back."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.test import override_settings

from mppcqa.bundles.keys import card, public_of_ours, register_key, rename_ours
from mppcqa.bundles.making import make
from mppcqa.bundles.models import Bundle, Key
from mppcqa.bundles.taking import arrive
from mppcqa.inventory.models import Device, Institute, Shipment
from mppcqa.inventory.shipping import send
from mppcqa.keyfile import fingerprint
from tests.campaign import make_campaign
from tests.pens import pen_of

T = TypeVar("T")


class _Gone(Exception):
    pass


@contextmanager
def at_home(folder: Path) -> Iterator[None]:
    """Another home, with a key of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    with override_settings(MPPCQA_HOME=str(folder)):
        yield


def elsewhere(folder: Path, work: Callable[[], T]) -> T:
    """What `work` gives at another installation, whose database is gone afterwards."""
    found: list[T] = []
    try:
        with at_home(folder), transaction.atomic():
            found.append(work())
            raise _Gone
    except _Gone:
        return found[0]


@dataclass
class Sent:
    """A bundle from elsewhere, and what its sender knows of it."""

    data: bytes
    card: str
    fingerprint: str
    devices: list[str] = field(default_factory=list)
    uuids: dict[str, str] = field(default_factory=dict)
    number: int = 1
    more: Any = None

    def trust(self) -> Key:
        """Register the sender's key here."""
        return register_key(self.card, self.fingerprint)

    def arrive(self) -> Bundle:
        return arrive(io.BytesIO(self.data))


def read(row: Bundle) -> bytes:
    with row.file.open("rb") as file:
        return bytes(file.read())


def ship(devices: int = 4, **asked: Any) -> tuple[Shipment, Bundle]:
    """Measured and judged devices, on their way from Santiago to Jefferson Lab."""
    user = User.objects.create_user("ana")
    campaign = make_campaign(user, devices)
    rename_ours("Santiago")
    origin = Institute.objects.create(name="Santiago")
    Device.objects.update(location=origin)
    shipment = send(origin, campaign.place, [one.serial for one in campaign.devices], by=pen_of())
    return shipment, make(shipment, **{"certificates": False, **asked})


def told(bundle: Bundle) -> Sent:
    """What the other side gets."""
    rows = dict(Device.objects.values_list("serial", "uuid"))
    return Sent(
        read(bundle),
        card(),
        fingerprint(public_of_ours()),
        sorted(rows),
        {serial: str(uuid) for serial, uuid in rows.items()},
        bundle.number,
    )


def sent(folder: Path, change: Callable[[Shipment], Any] | None = None, **asked: Any) -> Sent:
    """A bundle from an installation in `folder`; `change` is done there before a second bundle."""

    def work() -> Sent:
        shipment, bundle = ship(**asked)
        first = told(bundle)
        if change is not None:
            change(shipment)
            first.more = told(make(shipment, certificates=False))
        return first

    return elsewhere(folder, work)


def home() -> Path:
    return Path(settings.MPPCQA_HOME)
