"""Devices that belong together, of a tray, a lot, a run or a choice, as a reader sees them."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from mppcqa.charts.counted import Share, Shares
from mppcqa.charts.plots import Bars, CellMap
from mppcqa.inventory.models import Device
from mppcqa.limits.models import Waiver
from mppcqa.refused import Refused
from mppcqa.results.models import Outcome, Standing
from mppcqa.stages import all_stages
from mppcqa.views.robust import (
    QuantityLine,
    Sample,
    Stray,
    histogram_of,
    line_and_strays,
    told,
)
from mppcqa.views.texts import NONE
from mppcqa.views.verdict import WAIVED, outcome_text, standing_states
from mppcqa.views.yields import Yield, yield_of

MOST = 20_000
"""Devices of one report."""
PIECE = 1000
STRAYS = 60
HISTOGRAMS = 8
GOOD = (Outcome.PASS.value, Outcome.WARNING.value)
UNTESTED = "none"
STATES = ("pass", "warning", WAIVED, "fail", "incomplete", UNTESTED)
BEGINNING = dt.datetime(2001, 1, 1, tzinfo=dt.UTC)


def state_names() -> dict[str, str]:
    """States of devices at a stage in words, in the order in which they are told."""
    names = {state: outcome_text(state) for state in STATES}
    return names | {WAIVED: _("waived"), UNTESTED: _("not judged")}


@dataclass(frozen=True)
class Member:
    """A device of a group."""

    pk: int
    serial: str
    kind: str
    place: str
    """Where it sits in the group: row and column, slot; or its tray."""
    outcomes: tuple[tuple[str, str], ...]
    """State of its verdict and the state in words, for each stage of the group."""


@dataclass(frozen=True)
class StageCount:
    """How the devices of a group stand at a stage."""

    key: str
    title: str
    numbers: Mapping[str, int]
    """By state, see `STATES`."""

    @property
    def judged(self) -> int:
        return sum(n for state, n in self.numbers.items() if state != UNTESTED)

    @property
    def passed(self) -> Yield:
        """Passes and warnings among what was judged; what is waived has not passed."""
        return yield_of(sum(self.numbers.get(state, 0) for state in GOOD), self.judged)


@dataclass(frozen=True)
class StatedMap:
    """Devices by place, each with the worst state of its verdicts."""

    rows: int
    columns: int
    states: Mapping[tuple[int, int], str]


@dataclass(frozen=True)
class GroupView:
    """All that reports say of devices that belong together."""

    name: str
    kind: str
    """What sort of group it is, in words."""
    as_of: dt.datetime
    """When the newest thing that is said of it happened."""
    facts: tuple[tuple[str, str], ...]
    stages: tuple[StageCount, ...]
    devices: tuple[Member, ...]
    quantities: tuple[QuantityLine, ...] = ()
    strays: tuple[tuple[str, Stray], ...] = ()
    """Serial number and what is far; at most `STRAYS`."""
    more_strays: int = 0
    histograms: tuple[Bars, ...] = ()
    maps: tuple[CellMap, ...] = ()
    map: StatedMap | None = None
    problems: tuple[str, ...] = ()

    @property
    def kinds(self) -> Shares:
        """Its device types."""
        found = Counter(one.kind for one in self.devices)
        parts = tuple(Share(name, n) for name, n in found.most_common())
        return Shares(parts, _("Device types"), _("others"))


class TooMany(Refused):
    """More devices than one report lists."""


def members(rows: QuerySet[Device], most: int = MOST) -> list[Any]:
    """What is read of devices, by serial; raises `TooMany`."""
    names = ("pk", "serial", "device_type__name", "tray__name", "tray_row", "tray_column")
    found = list(rows.order_by("serial").values_list(*names, named=True)[: most + 1])
    if len(found) > most:
        raise TooMany(
            _("A report lists at most %d devices: choose fewer, or ask for the report of the "
              "campaign, which counts any number.") % most
        )  # fmt: skip
    return found


def standing_of(devices: Sequence[int]) -> dict[int, dict[str, tuple[str, str]]]:
    """Device -> stage -> state and its words, of any number of devices."""
    found: dict[int, dict[str, tuple[str, str]]] = {}
    for start in range(0, len(devices), PIECE):
        found |= standing_states(devices[start : start + PIECE])
    return found


def newest_of(rows: QuerySet[Device], devices: Sequence[int]) -> dt.datetime:
    """When the newest of what is said of devices happened."""
    moments = [rows.aggregate(at=Max("registered_at"))["at"]]
    for start in range(0, len(devices), PIECE):
        some = list(devices[start : start + PIECE])
        standing = Standing.objects.visible_to(None).filter(device__in=some)
        moments.append(standing.aggregate(at=Max("changed_at"))["at"])
        waivers = Waiver.objects.filter(verdict__device__in=some)
        moments.append(waivers.aggregate(at=Max("granted_at"))["at"])
    return max((one for one in moments if one is not None), default=BEGINNING)


def stage_counts(
    states: Mapping[int, Mapping[str, tuple[str, str]]], devices: int
) -> tuple[StageCount, ...]:
    """How many devices stand how at each stage that any was measured at."""
    numbers: dict[str, Counter[str]] = {}
    for own in states.values():
        for stage, (state, _text) in own.items():
            numbers.setdefault(stage, Counter())[state or UNTESTED] += 1
    titles = {one.key: _(one.title) for one in all_stages() if one.key in numbers}
    titles |= {key: key for key in sorted(numbers.keys() - titles.keys())}
    for found in numbers.values():
        found[UNTESTED] += devices - found.total()
    return tuple(StageCount(key, title, dict(numbers[key])) for key, title in titles.items())


def listed(
    rows: Sequence[Any],
    states: Mapping[int, Mapping[str, tuple[str, str]]],
    stages: Sequence[StageCount],
    places: Mapping[int, str] | None = None,
) -> tuple[Member, ...]:
    """The devices with their verdicts at each of the stages."""
    nothing = ("", NONE)
    return tuple(
        Member(
            row.pk,
            row.serial,
            row.device_type__name,
            _place(row) if places is None else places.get(row.pk, ""),
            tuple(states.get(row.pk, {}).get(one.key, nothing) for one in stages),
        )
        for row in rows
    )


def _place(row: Any) -> str:
    if row.tray__name is None:
        return ""
    if row.tray_row is None:
        return str(row.tray__name)
    return f"{row.tray__name} ({row.tray_row}, {row.tray_column})"


def worst_of(states: Mapping[str, tuple[str, str]]) -> str:
    """The worst of a device's states; `UNTESTED` where it has none."""
    order = ("fail", "incomplete", WAIVED, "warning", "pass")
    there = {state for state, _text in states.values()}
    return next((one for one in order if one in there), UNTESTED)


def numbers_of(samples: Sequence[Sample], serials: Mapping[int, str]) -> dict[str, Any]:
    """What a group says of its quantities: `quantities`, `strays`, `more_strays`, `histograms`."""
    lines, strays = [], []
    for sample in samples:
        line, far = line_and_strays(sample)
        lines.append(line)
        strays += far
    strays.sort(key=lambda one: (-abs(one.far), one.device))
    chosen = sorted(samples, key=lambda one: not told(one).headline)
    several = len({one.quantity.stage for one in samples}) > 1
    drawn = [made for one in chosen if (made := histogram_of(one, with_stage=several)) is not None]
    return {
        "quantities": tuple(lines),
        "strays": tuple((serials.get(one.device, ""), one) for one in strays[:STRAYS]),
        "more_strays": max(0, len(strays) - STRAYS),
        "histograms": tuple(drawn[:HISTOGRAMS]),
    }
