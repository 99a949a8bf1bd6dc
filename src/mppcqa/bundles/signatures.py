"""What was signed of devices and shipments, as a bundle tells it and as another house keeps it.

The signatures under a waiver go with their verdict (`things`); those here stand for themselves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID

from mppcqa.bundles.merge import Merge
from mppcqa.bundles.things import Document, batches, moment
from mppcqa.inventory.models import Device, Shipment
from mppcqa.signing.models import Act, SignedAct

KINDS: dict[str, Any] = {Act.SIGN_OFF: Device, Act.SHIPMENT: Shipment}
"""Acts that are told, and the models of what they are of."""


def told_signatures(devices: dict[int, str], shipments: dict[int, str], house: str) -> Any:
    """What was signed of devices and shipments (id -> UUID); our people are told with our name."""
    found: list[Document] = []
    for act, subjects in ((Act.SIGN_OFF, devices), (Act.SHIPMENT, shipments)):
        for row in _rows(act, list(subjects)):
            told = row.document()
            for one, kept in zip(told["signatures"], row.signatures, strict=True):
                if kept["person"] is not None:
                    one["name"] = f"{one['name']}, {house}"[:200]
            of = {"uuid": str(row.uuid), "of": subjects[row.key], "named": row.named}
            found.append({**told, **of, "done_at": moment(row.done_at)})
    return sorted(found, key=lambda one: str(one["uuid"]))


def _rows(act: Act, numbers: Sequence[int]) -> Iterator[SignedAct]:
    label = KINDS[act]._meta.label_lower
    for part in batches(numbers):
        rows = SignedAct.objects.filter(act=act, kind=label, key__in=part)
        yield from rows.filter(state=SignedAct.State.DONE)


def take_signatures(merge: Merge) -> None:
    """Keep those that are not known here beside our own, as signed by people of elsewhere."""
    told = merge.verdicts.get("signed", [])
    known: set[UUID] = set()
    for part in batches([UUID(one["uuid"]) for one in told]):
        known |= set(SignedAct.objects.filter(uuid__in=part).values_list("uuid", flat=True))
    wanted = [UUID(one["of"]) for one in told if one["act"] == Act.SHIPMENT]
    shipments: dict[str, int] = {}
    for part in batches(wanted):
        rows = Shipment.objects.filter(uuid__in=part).values_list("uuid", "pk")
        shipments |= {str(uuid): pk for uuid, pk in rows}
    new = []
    for one in told:
        places = merge.devices if one["act"] == Act.SIGN_OFF else shipments
        key = places.get(one["of"])
        if key is not None and UUID(one["uuid"]) not in known:
            new.append(_made(one, key))
    SignedAct.objects.bulk_create(new, batch_size=500)
    merge.said.count("signatures", "new", len(new))


def _made(one: Document, key: int) -> SignedAct:
    done = dt.datetime.fromisoformat(one["done_at"])
    return SignedAct(
        uuid=UUID(one["uuid"]),
        act=one["act"],
        kind=KINDS[one["act"]]._meta.label_lower,
        key=key,
        named=one["named"],
        meaning=one["meaning"],
        needed=len(one["signatures"]),
        signatures=[
            {"person": None, **{name: by[name] for name in ("name", "at", "method")}}
            for by in one["signatures"]
        ],
        state=SignedAct.State.DONE,
        begun_at=done,
        done_at=done,
    )
