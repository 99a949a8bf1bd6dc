"""What labels are asked for: chosen or matched devices, a tray, a station, a shipment, actions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.models import Device, Shipment, Tray
from mppcqa.inventory.scope import Viewer
from mppcqa.reports.labels.fitting import Label
from mppcqa.reports.labels.things import (
    into_tray,
    of_actions,
    of_box,
    of_checklists,
    of_devices,
    of_matched,
    of_slots,
    of_station,
    of_tray,
)
from mppcqa.runs.models import Station
from mppcqa.typed import whole

MOST = 500
"""Labels that are made at once."""


@dataclass(frozen=True)
class Group:
    """Labels that are chosen together."""

    key: str
    title: str
    labels: Callable[[str], Iterable[Label]]
    """Those of the group; with the address of our pages codes lead there where they can."""
    chosen: bool = True
    """Whether they are, before anybody chooses."""


def groups(asked: Mapping[str, str], viewer: Viewer) -> list[Group]:
    """What may be chosen; raises `Http404` for what is not there, or not seen by the viewer."""
    if "devices" in asked:
        return [_devices(_chosen(asked["devices"], viewer))]
    if "tray" in asked:
        tray = get_object_or_404(Tray.objects.visible_to(viewer), pk=_key(asked["tray"]))
        inside = _seen(viewer).filter(tray=tray).order_by("tray_row", "tray_column", "serial")
        return [
            _devices(inside),
            Group("tray", _("The tray"), lambda url: [of_tray(tray, url)], chosen=False),
            Group("into", _("“Into this tray”"), lambda url: [into_tray(tray)], chosen=False),
        ]
    if "shipment" in asked:
        boxes = Shipment.objects.visible_to(viewer).select_related("origin", "destination")
        box = get_object_or_404(boxes, pk=_key(asked["shipment"]))
        inside = _seen(viewer).filter(shipments=box).order_by("serial")
        return [Group("box", _("The box"), lambda url: [of_box(box, url)]), _devices(inside, False)]
    if "matching" in asked:
        seen = Matching.objects.visible_to(viewer)
        return [_matched(get_object_or_404(seen, pk=_key(asked["matching"])), asked, viewer)]
    actions = Group(
        "actions", _("Actions"), lambda url: of_actions(), chosen="station" not in asked
    )
    if "station" not in asked:
        return [actions, Group("checklists", _("Checklists"), of_checklists, chosen=False)]
    station = get_object_or_404(Station, pk=_key(asked["station"]))
    return [
        Group("station", _("The station"), lambda url: [of_station(station, url)]),
        Group("slots", _("Its slots"), lambda url: of_slots(station)),
        actions,
    ]


def labels_of(chosen: Iterable[Group], url: str) -> list[Label]:
    """All labels of some groups, at most one more than are made at once."""
    every = (label for group in chosen for label in group.labels(url))
    return list(islice(every, MOST + 1))


def _key(text: str) -> int:
    number = whole(text)
    if number is None:
        raise Http404
    return number


def _seen(viewer: Viewer) -> Any:
    return Device.objects.visible_to(viewer).select_related("device_type")


def _chosen(text: str, viewer: Viewer) -> Any:
    keys = {whole(one) for one in text.split(",")[: MOST + 1]} - {None}
    rows = _seen(viewer).filter(pk__in=keys).order_by("serial")
    if not rows:
        raise Http404
    return rows


def _matched(matching: Matching, asked: Mapping[str, str], viewer: Viewer) -> Group:
    """The devices group by group; of one alone with ``group=3``."""
    rows = Matched.objects.visible_to(viewer).filter(matching=matching)
    if "group" in asked:
        rows = rows.filter(group=_key(asked["group"]))
    rows = rows.order_by("group", "device__serial").select_related("device", "matching")
    return Group("devices", _("The devices"), lambda url: of_matched(rows[: MOST + 1], url))


def _devices(rows: Any, chosen: bool = True) -> Group:
    return Group(
        "devices", _("The devices"), lambda url: of_devices(rows[: MOST + 1], url), chosen=chosen
    )
