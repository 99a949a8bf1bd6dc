"""What is signed, who may see and sign it, and doing it once the last name is under it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.scope import Viewer, scope_of
from mppcqa.inventory.shipping import send_packed
from mppcqa.limits.changes import ask_apply, ask_withdraw
from mppcqa.limits.decisions import grant_waiver, sign_off
from mppcqa.limits.models import LimitSet, Verdict
from mppcqa.limits.reanalysis import ask_count
from mppcqa.results.reanalysis import reanalyses
from mppcqa.signing.models import Act, SignedAct
from mppcqa.signing.pen import Pen
from mppcqa.web.addresses import address


@dataclass(frozen=True)
class Kind:
    """An act as pages know it."""

    right: str
    seen: Callable[[Any], QuerySet[Any]]
    """The subjects that a person sees."""
    do: Callable[[Any, dict[str, Any], Pen], object]
    """Subject, what was told at the first signature, pen."""


def _of_all(rows: QuerySet[Any], viewer: Any) -> QuerySet[Any]:
    return rows.none() if scope_of(viewer).bound else rows


def _limits(subject: LimitSet, told: dict[str, Any], pen: Pen) -> object:
    return (ask_withdraw if told["what"] == "withdraw" else ask_apply)(subject, by=pen)


def _waiver(subject: Verdict, told: dict[str, Any], pen: Pen) -> object:
    until = dt.date.fromisoformat(told["expires_on"]) if told["expires_on"] else None
    return grant_waiver(subject, told["reason"], by=pen, expires_on=until)


KINDS: dict[str, Kind] = {
    Act.SIGN_OFF: Kind(
        "limits.add_signoff",
        lambda viewer: Device.objects.visible_to(viewer),
        lambda device, told, pen: sign_off(device, by=pen, note=told["note"]),
    ),
    Act.WAIVER: Kind(
        "limits.add_waiver", lambda viewer: Verdict.objects.visible_to(viewer), _waiver
    ),
    Act.SHIPMENT: Kind(
        "inventory.change_shipment",
        lambda viewer: Shipment.objects.visible_to(viewer),
        lambda shipment, _told, pen: send_packed(shipment, by=pen),
    ),
    Act.LIMITS: Kind(
        "limits.change_limitset", lambda viewer: _of_all(LimitSet.objects.all(), viewer), _limits
    ),
    Act.ANALYSIS: Kind(
        "results.add_analysis",
        lambda viewer: _of_all(reanalyses(), viewer),
        lambda group, _told, pen: ask_count(group, by=pen),
    ),
}


def acts_of(label: str, number: int, viewer: Any) -> QuerySet[SignedAct] | None:
    """The acts of a thing with a page, a device's with those of its verdicts; None if unseen."""
    kinds = {one.seen(viewer).model._meta.label_lower: one for one in KINDS.values()}
    kind = kinds.get(label)
    if kind is None or not kind.seen(viewer).filter(pk=number).exists():
        return None
    found = SignedAct.objects.filter(kind=label, key=number)
    if label == Device._meta.label_lower:
        verdicts = Verdict.objects.visible_to(viewer).filter(device=number)
        pks = list(verdicts.values_list("pk", flat=True))
        found |= SignedAct.objects.filter(kind=Verdict._meta.label_lower, key__in=pks)
    return found


def pages_of(acts: Iterable[SignedAct], viewer: Viewer = None) -> dict[int, str]:
    """Act (id) -> address of the page of what it is of, where that is there; two queries."""
    rows = list(acts)
    devices, verdicts = (
        {one.key for one in rows if one.kind == model._meta.label_lower}
        for model in (Device, Verdict)
    )
    of_device = Device.objects.visible_to(viewer).filter(pk__in=devices)
    of_verdict = Verdict.objects.visible_to(viewer).filter(pk__in=verdicts)
    serials = {
        Device: dict(of_device.values_list("pk", "serial")),
        Verdict: dict(of_verdict.values_list("pk", "device__serial")),
    }
    names = {"inventory.shipment": "shipment", "limits.limitset": "limit_set"}
    found = {}
    for one in rows:
        model = {"inventory.device": Device, "limits.verdict": Verdict}.get(one.kind)
        if model is None:
            found[one.pk] = address(names.get(one.kind, "reanalysis"), one.key)
        elif one.key in serials[model]:
            found[one.pk] = address("device", serials[model][one.key])
    return found
