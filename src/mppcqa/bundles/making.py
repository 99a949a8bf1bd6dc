"""A bundle of a shipment: written beside its name, signed, kept, and listed with the shipment."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

import mppcqa
from mppcqa.bundles.envelope import Writer, as_json
from mppcqa.bundles.keys import our_key, ours
from mppcqa.bundles.models import Bundle, Installation
from mppcqa.bundles.numbers import Numbers
from mppcqa.bundles.refusal import BundleRefused
from mppcqa.bundles.signatures import told_signatures
from mppcqa.bundles.taking import FOLDER, RUNS, VALUES, scratch
from mppcqa.bundles.things import Origins, Things, moment
from mppcqa.database.identity import uuid7
from mppcqa.disk import measure_file
from mppcqa.exchange.backup import snapshot
from mppcqa.inventory.models import Shipment
from mppcqa.public_address import public_address
from mppcqa.reports.kinds import find_kind
from mppcqa.store.keeping import keeping
from mppcqa.store.reading import glance, whole_path

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Told = Callable[[int, int, str], None]
OF_ALL = "shipment-certificates"
"""The kind of report with the certificates of all devices."""


def make(
    shipment: Shipment,
    *,
    run_files: bool = False,
    certificates: bool = True,
    language: str = "en",
    paper: str = "A4",
    by: AbstractBaseUser | None = None,
    told: Told = lambda done, total, text: None,
) -> Bundle:
    """All of a shipment's devices as one signed file, as they stand at this moment.

    Where nothing has changed since the newest bundle of this shipment that was asked for in the
    same way, that one is given back. Raises `BundleRefused`, `keys.KeyRefused`, or
    `FileFault` where a run file that was asked for is damaged.
    """
    mine, key = ours(), our_key()
    asked = {
        "run_files": run_files,
        "certificates": certificates,
        "language": language,
        "paper": paper,
        "key": hashlib.sha256(key.public_key().public_bytes_raw()).hexdigest()[:16],
        "name": mine.name,
    }
    devices = {
        *shipment.devices.values_list("pk", flat=True),
        *shipment.missing.values_list("pk", flat=True),
    }
    if not devices:
        raise BundleRefused(_("There is nothing in the box."))
    with scratch() as part:
        writer = Writer(part)
        try:
            facts = _write(writer, shipment, devices, asked, told)
            newest = _newest(shipment, asked)
            if newest is not None and newest.found.get("contents") == _digest(writer.contents):
                return newest
            number = _next_number(mine)
            uuid = uuid7()
            manifest = {
                **facts,
                "bundle": str(uuid),
                "number": number,
                "sender": {"installation": str(mine.uuid), "name": mine.name},
                "made_at": moment(timezone.now()),
                "mppcqa": mppcqa.__version__,
                "shipment": str(shipment.uuid),
            }
            writer.finish(manifest, key)
        finally:
            writer.close()
        measured = measure_file(part)
        with part.open("rb") as file, keeping(file, FOLDER, ".zip", measured=measured) as kept:
            return Bundle.objects.create(
                way=Bundle.Way.OUT,
                state=Bundle.State.MADE,
                uuid=uuid,
                number=number,
                sender=mine,
                shipment=shipment,
                asked=asked,
                file=kept.name,
                sha256=kept.sha256,
                size=kept.size,
                found={"told": facts["counts"], "contents": _digest(writer.contents)},
                asked_by_id=None if by is None else by.pk,
                done_at=timezone.now(),
            )


def _write(
    writer: Writer, shipment: Shipment, devices: set[int], asked: dict[str, Any], told: Told
) -> dict[str, Any]:
    """All entries but the manifest; returns what that says of them."""
    origins = Origins()
    told(0, 4, _("devices"))
    with scratch() as values:
        with snapshot():
            things = Things(devices, origins)
            numbers = Numbers(things)
            inventory = things.inventory()
            results = numbers.write_values(values)
            verdicts = things.verdicts(numbers.analyses)
            verdicts["signed"] = told_signatures(
                things.uuids, things.shipments(), things.origins.names[things.origins.ours]
            )
        files = numbers.files(results) if asked["run_files"] else []
        names = {row.sha256: f"{RUNS}/{row.sha256}{_suffix(row.original_name)}" for row in files}
        for one in results["files"]:
            one["entry"] = names.get(one["sha256"])
        writer.add_bytes("inventory.json", as_json(inventory))
        writer.add_bytes("results.json", as_json(results))
        with values.open("rb") as table:
            writer.add(VALUES, table, rows=numbers.values)
        writer.add_bytes("verdicts.json", as_json(verdicts))
    if asked["certificates"]:
        told(1, 4, _("certificates"))
        with override(asked["language"]):
            report = find_kind(OF_ALL).write(shipment, public_address(), asked["paper"])
        with report.opened() as file:
            writer.add("certificates.pdf", file)
    for place, row in enumerate(files):
        told(place, len(files), _("run files"))
        if fault := glance(row):
            raise fault
        with whole_path(row) as path, path.open("rb") as source:
            writer.add(names[row.sha256], source)
    return {
        "installations": origins.names,
        "counts": {
            "devices": len(things.devices),
            "shipments": len(inventory["shipments"]),
            "runs": len(results["runs"]),
            "analyses": len(results["analyses"]),
            "values": numbers.values,
            "verdicts": len(verdicts["verdicts"]),
            "run_files": len(files),
        },
    }


def _suffix(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return f".{ending}" if ending.isascii() and ending.isalnum() and len(ending) <= 10 else ".bin"


def _newest(shipment: Shipment, asked: dict[str, Any]) -> Bundle | None:
    """The newest bundle that was asked for in this way, if its file is whole."""
    rows = Bundle.objects.filter(shipment=shipment, way=Bundle.Way.OUT)
    newest = rows.first()
    if newest is None or newest.asked != asked or glance(newest) is not None:
        return None
    return newest


def _digest(contents: list[dict[str, Any]]) -> str:
    return hashlib.sha256(as_json(contents)).hexdigest()


def _next_number(mine: Installation) -> int:
    with transaction.atomic():
        Installation.objects.filter(pk=mine.pk).update(bundles_made=F("bundles_made") + 1)
        mine.refresh_from_db(fields=["bundles_made"])
        return mine.bundles_made
