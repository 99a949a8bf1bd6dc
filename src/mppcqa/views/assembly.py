"""What a device is part of and what is part of it: the tree, the history, and what gathers."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Avg, Count, Max, Min, Q, StdDev
from django.utils.translation import gettext as _

from mppcqa.digits import number
from mppcqa.inventory.assembly import BATCH, MOST_LEVELS
from mppcqa.inventory.models import Device
from mppcqa.inventory.mountings import Mounting, place_text
from mppcqa.inventory.scope import Viewer
from mppcqa.results.conditions import condition_text
from mppcqa.results.models import QuantityRow
from mppcqa.stages import all_stages
from mppcqa.statistics.models import DeviceSummary, Series
from mppcqa.views.shown import shown_quantities
from mppcqa.views.texts import NONE
from mppcqa.views.verdict import standing_states

GATHERED = 5000
"""Parts over which verdicts and values are gathered."""
SHOWN = 200
"""Of the tree, and of the history."""
VALUES = 40


@dataclass(frozen=True)
class PartView:
    """A part, of whatever depth."""

    serial: str
    kind: str
    depth: int
    """0 for a part of the device itself."""
    place: str
    since: dt.date | None
    verdicts: tuple[tuple[str, str, str], ...]
    """Title of the stage, state, and the state in words."""


@dataclass(frozen=True)
class Stay:
    """A part was somewhere for a time."""

    part: str
    whole: str
    place: str
    since: dt.date | None
    until: dt.date | None
    why: str
    by: str
    ended_by: str
    changed_at: dt.datetime
    """When it, or its end, was told."""

    @property
    def who(self) -> str:
        """Who told its beginning, and its end where that was another."""
        return ", ".join(dict.fromkeys(filter(None, (self.by, self.ended_by))))

    @property
    def period(self) -> str:
        """``2026-01-02 to today``."""
        return _("%(since)s to %(until)s") % {
            "since": self.since or NONE,
            "until": self.until or _("today"),
        }


@dataclass(frozen=True)
class Gathered:
    """One stage over all parts: how many stand how."""

    title: str
    counts: tuple[tuple[str, str, int], ...]
    """State, the state in words, parts."""


@dataclass(frozen=True)
class GatheredValue:
    """One quantity at one condition over the parts' means."""

    title: str
    condition: str
    n: int
    mean: str
    spread: str
    """Standard deviation from part to part; a dash for one part."""
    lowest: str
    highest: str


@dataclass(frozen=True)
class AssemblyView:
    """All of it; `number` counts parts of every depth, `parts` are the first of them."""

    number: int
    parts: tuple[PartView, ...]
    history: tuple[Stay, ...]
    """Of the device as a part and of what was part of it, the latest first."""
    verdicts: tuple[Gathered, ...]
    values: tuple[GatheredValue, ...]

    @property
    def newest(self) -> dt.datetime | None:
        return max((one.changed_at for one in self.history), default=None)


def assembly_view(device: Any, viewer: Viewer) -> AssemblyView:
    """The assembly around a device, as far as `viewer` sees it."""
    tree = _tree(device.pk, viewer)
    keys = [row.pk for row, _depth in tree]
    states = standing_states(keys) if keys else {}
    since = _since(keys[:SHOWN], viewer)
    titles = {stage.key: _(stage.title) for stage in all_stages()}
    parts = tuple(
        PartView(
            row.serial,
            row.device_type__name,
            depth,
            place_text(row.installed or {}),
            since.get(row.pk),
            tuple(
                (titles.get(stage, stage), *said) for stage, said in states.get(row.pk, {}).items()
            ),
        )
        for row, depth in tree[:SHOWN]
    )
    return AssemblyView(
        number=len(tree),
        parts=parts,
        history=_history(device.pk, viewer),
        verdicts=_verdicts(keys, states, titles),
        values=_values(keys, viewer) if keys else (),
    )


def _tree(device: int, viewer: Viewer) -> list[tuple[Any, int]]:
    """Parts with their depths, each followed by its own."""
    below: dict[int, list[Any]] = defaultdict(list)
    level, found = [device], {device}
    for _depth in range(MOST_LEVELS):
        rows: list[Any] = []
        for start in range(0, len(level), BATCH):
            seen = Device.objects.visible_to(viewer).filter(parent__in=level[start : start + BATCH])
            rows += seen.values_list(
                *("pk", "serial", "parent", "device_type__name", "installed"), named=True
            )[:GATHERED]
        rows = [row for row in rows if row.pk not in found][: GATHERED + 1 - len(found)]
        for row in rows:
            below[row.parent].append(row)
        level = [row.pk for row in rows]
        found.update(level)
        if not level:
            break
    return _in_order(below, device, 0)


def _in_order(below: dict[int, list[Any]], device: int, depth: int) -> list[tuple[Any, int]]:
    found: list[tuple[Any, int]] = []
    for row in sorted(below.get(device, ()), key=_by_place):
        found += [(row, depth), *_in_order(below, row.pk, depth + 1)]
    return found


def _by_place(row: Any) -> list[tuple[int, str]]:
    """By position as people count, then by serial: 2 before 10."""
    text = f"{(row.installed or {}).get('pos', '')} {row.serial}"
    return [
        (int(one), "") if one.isdecimal() else (-1, one) for one in re.findall(r"\d{1,9}|\D+", text)
    ]


def _since(keys: list[int], viewer: Viewer) -> dict[int, dt.date | None]:
    rows = Mounting.objects.visible_to(viewer).filter(part__in=keys, until=None)
    return dict(rows.values_list("part", "since")) if keys else {}


def _history(device: int, viewer: Viewer) -> tuple[Stay, ...]:
    rows = Mounting.objects.visible_to(viewer).filter(Q(part=device) | Q(whole=device))
    rows = rows.select_related("part", "whole", "told_by", "ended_by").order_by("-since", "-id")
    return tuple(
        Stay(
            row.part.serial,
            row.whole.serial if row.whole else "",
            place_text(row.place),
            row.since,
            row.until,
            row.why,
            row.told_by.get_username() if row.told_by else "",
            row.ended_by.get_username() if row.ended_by else "",
            row.ended_at or row.told_at,
        )
        for row in rows[:SHOWN]
    )


def _verdicts(
    keys: list[int], states: dict[int, dict[str, tuple[str, str]]], titles: dict[str, str]
) -> tuple[Gathered, ...]:
    found = []
    for stage in sorted({stage for one in states.values() for stage in one}):
        counts = Counter(states[key][stage] for key in keys if stage in states.get(key, {}))
        if missing := len(keys) - sum(counts.values()):
            counts["", _("not tested")] += missing
        rows = tuple((*said, n) for said, n in counts.most_common())
        found.append(Gathered(titles.get(stage, stage), rows))
    return tuple(found)


def _values(keys: list[int], viewer: Viewer) -> tuple[GatheredValue, ...]:
    """The quantities that summaries show, over the parts' means."""
    wanted = {
        (stage.key, one.key): shown
        for stage in all_stages()
        for one, shown in zip(stage.quantities, shown_quantities(stage, {}).values(), strict=True)
        if one.headline
    }
    rows = {
        row.pk: wanted[row.stage, row.key]
        for row in QuantityRow.objects.all()
        if (row.stage, row.key) in wanted
    }
    series = {one.pk: one for one in Series.objects.filter(quantity__in=rows)}
    found = DeviceSummary.objects.visible_to(viewer).filter(device__in=keys, series__in=series)
    told = (
        found.order_by("series")
        .values("series")
        .annotate(
            parts=Count("device"),
            average=Avg("mean"),
            # Not that of a sample: SQLite's raises an error where there is one part alone.
            spread=StdDev("mean"),
            low=Min("lowest"),
            high=Max("highest"),
        )
    )
    result = []
    for row in told[:VALUES]:
        one = series[row["series"]]
        shown = rows[one.quantity_id]

        def text(value: float | None, scale: float = shown.scale, unit: str = shown.unit) -> str:
            return NONE if value is None else f"{number(value * scale)} {unit}".strip()

        n = row["parts"]
        spread = row["spread"] * math.sqrt(n / (n - 1)) if n > 1 else None
        result.append(
            GatheredValue(
                shown.title,
                condition_text(one.at),
                n,
                text(row["average"]),
                text(spread),
                text(row["low"]),
                text(row["high"]),
            )
        )
    return tuple(result)
