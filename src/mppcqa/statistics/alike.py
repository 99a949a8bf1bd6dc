"""Devices to be matched: those that fit, with the value that each is matched by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mppcqa.inventory.models import Device
from mppcqa.inventory.reserving import Member
from mppcqa.inventory.scope import Viewer
from mppcqa.limits.picking import Need, fitting
from mppcqa.statistics.matching import Grouping, cut
from mppcqa.statistics.matching_rules import SMALLEST, grouped_by
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.tables.maker_words import mean_of

PIECE = 500
ALIKE = {"lot": "lot_id", "type": "device_type_id", "maker": "device_type__maker_id",
         "tray": "tray_id"}  # fmt: skip
"""What all devices of a group may have to have in common -> the column that says it."""


@dataclass(frozen=True)
class Wanted:
    """Groups as they are asked for."""

    need: Need
    """Which devices are chosen from; its count is the most that are looked at."""
    size: int
    value: Series | str
    """Mean over the channels of a series, in its stored unit; or a quantity of makers."""
    groups: int | None = None
    alike: str = ""
    """One of `ALIKE`; empty where devices of a group may differ in all."""
    widest: float = math.inf
    rule: str = SMALLEST.key
    """Key of one of `mppcqa.statistics.matching_rules.rules`."""


@dataclass(frozen=True)
class Proposal:
    """The best groups, beside those of plain sorting and those in the order of serials."""

    members: list[Member]
    serials: dict[int, str]
    best: Grouping
    sorted: Grouping
    plain: Grouping
    refused: int
    """Devices that do not fit."""
    without: int
    """Devices that fit and have no such value."""

    @property
    def groups(self) -> list[list[Member]]:
        return [[self.members[i] for i in group] for group in self.best.groups]


def propose(wanted: Wanted, viewer: Viewer) -> Proposal:
    """Look for the groups; nothing is held and nothing is changed."""
    serials, refused = fitting(wanted.need, viewer)
    values = _values(wanted.value, serials, viewer)
    # Each database has an order of texts of its own; what is proposed must not hang on it.
    in_order = sorted(serials, key=serials.__getitem__)
    members = [Member(pk, *values[pk]) for pk in in_order if pk in values]
    numbers = [one.value for one in members]
    classes = _classes(wanted.alike, [one.device for one in members], viewer)
    best = grouped_by(
        wanted.rule,
        numbers,
        wanted.size,
        groups=wanted.groups,
        classes=classes,
        widest=wanted.widest,
    )
    m = len(best.groups)
    return Proposal(
        members,
        serials,
        best,
        cut(numbers, wanted.size, groups=m, classes=classes),
        cut(numbers, wanted.size, groups=m, classes=classes, ordered=False),
        refused,
        len(serials) - len(members),
    )


def _values(
    value: Series | str, devices: Mapping[int, str], viewer: Viewer
) -> dict[int, tuple[float, float | None]]:
    """Device -> its value and the standard uncertainty of it."""
    ids, found = sorted(devices), {}
    for start in range(0, len(ids), PIECE):
        part = ids[start : start + PIECE]
        rows: Any
        if isinstance(value, str):
            rows = Device.objects.visible_to(viewer).filter(pk__in=part).exclude(maker_values={})
            for pk, said in rows.values_list("pk", "maker_values"):
                found[pk] = (mean_of(said, value), None)
        else:
            rows = DeviceSummary.objects.visible_to(viewer).filter(device__in=part, series=value)
            for pk, mean, error in rows.values_list("device_id", "mean", "uncertainty"):
                found[pk] = (mean, error)
    return {pk: one for pk, one in found.items() if math.isfinite(one[0])}


def _classes(alike: str, devices: list[int], viewer: Viewer) -> list[Any] | None:
    if not alike:
        return None
    found: dict[int, Any] = {}
    for start in range(0, len(devices), PIECE):
        rows = Device.objects.visible_to(viewer).filter(pk__in=devices[start : start + PIECE])
        found.update(rows.values_list("pk", ALIKE[alike]))
    return [found[pk] for pk in devices]
