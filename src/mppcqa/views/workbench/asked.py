"""What the address of the workbench asks, read and checked."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa import typed
from mppcqa.columnar.questions import GROUPS, KEYS, Chosen, Measure, Range
from mppcqa.results.conditions import condition_text, sort_key
from mppcqa.results.models import Outcome, QuantityRow
from mppcqa.stages import Condition, UnknownStage, get_stage
from mppcqa.statistics.models import Series
from mppcqa.views.shown import shown_quantities

KINDS = {
    "histogram": gettext_lazy("Histogram"),
    "box": gettext_lazy("Boxes"),
    "time": gettext_lazy("Against time"),
    "pairs": gettext_lazy("Two quantities of a channel"),
    "tray": gettext_lazy("Map of tray positions"),
    "array": gettext_lazy("Map of channels"),
    "outliers": gettext_lazy("Outliers"),
    "values": gettext_lazy("The values"),
}
BY = {
    "": gettext_lazy("nothing"),
    "lot": gettext_lazy("lot"),
    "maker": gettext_lazy("maker"),
    "type": gettext_lazy("device type"),
    "tray": gettext_lazy("tray"),
    "station": gettext_lazy("station"),
    "operator": gettext_lazy("operator"),
    "run": gettext_lazy("run"),
    "device": gettext_lazy("device"),
    "location": gettext_lazy("place"),
    "outcome": gettext_lazy("verdict"),
    "week": gettext_lazy("week"),
    "channel": gettext_lazy("channel"),
    "point": gettext_lazy("condition"),
}
EVERY = "*"
RANGES = "rs"
"""A letter for each range of another quantity that a question may have; see `range_names`."""
MOST_IDS = 50
MOST_POINTS = 300


def range_names(letter: str) -> tuple[str, str, str, str]:
    """Names in the address: the quantity of a range, its conditions, and from where to where."""
    return f"{letter}q", f"{letter}at", f"{letter}low", f"{letter}high"


@dataclass(frozen=True)
class Shown:
    """A quantity to choose, as people read it."""

    row: QuantityRow
    title: str
    unit: str
    scale: float

    @property
    def head(self) -> str:
        return f"{self.title} [{self.unit}]" if self.unit else self.title


@dataclass
class Asked:
    """A question as it was asked; what can't be read is told in `faults`."""

    given: QueryDict
    quantities: dict[str, Shown]
    kind: str = "histogram"
    by: str = ""
    first: Measure | None = None
    second: Measure | None = None
    chosen: Chosen = field(default_factory=Chosen)
    start: int = 0
    faults: list[str] = field(default_factory=list)
    points: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Name in the address -> conditions to choose from, as text and in words."""

    def shown(self, measure: Measure) -> Shown:
        """The quantity of a measure."""
        return next(one for one in self.quantities.values() if one.row.pk == measure.quantity)


def measured_quantities() -> dict[str, Shown]:
    """All quantities that have values, by number, in the order of stages."""
    there = Series.objects.filter(n__gt=0).order_by().values("quantity").distinct()
    found = {}
    for row in QuantityRow.objects.filter(pk__in=there).order_by("stage", "pk"):
        try:
            stage = get_stage(row.stage)
        except UnknownStage:
            stage = None  # its package is no longer installed
        own = shown_quantities(stage, {row.key: row})[row.key]
        head = f"{_(stage.title) if stage else row.stage}: {own.title}"
        found[str(row.pk)] = Shown(row, head, own.unit, own.scale)
    return found


def read(given: QueryDict) -> Asked:
    """The question of an address; without any, the quantity that has most values."""
    asked = Asked(given, measured_quantities())
    asked.kind = _one_of(asked, "kind", KINDS, "histogram")
    asked.by = _one_of(asked, "by", dict.fromkeys(GROUPS, 1), "")
    asked.start = _number(asked, "from", typed.whole) or 0
    asked.first = _measure(asked, "q", "at", first=True)
    asked.second = _measure(asked, "q2", "at2")
    scale = asked.shown(asked.first).scale if asked.first else 1.0
    asked.chosen = Chosen(
        ids={name: _ids(asked, name) for name in KEYS if given.get(name)},
        outcomes=tuple(
            one for one in given.getlist("outcome") if _known(asked, "outcome", one, Outcome.values)
        ),
        tags=_ids(asked, "tag"),
        since=_moment(asked, "since"),
        until=_moment(asked, "until", days=1),
        ranges=_ranges(asked),
        low=_limit(asked, "low", -math.inf, scale),
        high=_limit(asked, "high", math.inf, scale),
        channel=_number(asked, "channel", lambda text: typed.whole(text, -1, 32_767)),
        place=_place(asked),
    )
    if asked.kind == "pairs" and asked.first and asked.second is None and not asked.faults:
        asked.faults.append(_("Choose the second quantity."))
    return asked


def _told(asked: Asked, name: str, value: str) -> None:
    text = _("“%(value)s” is nothing that “%(name)s” can be.")
    asked.faults.append(text % {"value": value[:60], "name": name})


def _known(asked: Asked, name: str, value: str, among: Any) -> bool:
    if value and value not in among:
        _told(asked, name, value)
        return False
    return bool(value)


def _one_of(asked: Asked, name: str, among: Any, default: str) -> str:
    value = asked.given.get(name, default)
    return value if _known(asked, name, value, among) else default


def _number(asked: Asked, name: str, reader: Callable[[str], Any]) -> Any:
    text = asked.given.get(name, "").strip()
    if not text:
        return None
    value = reader(text)
    if value is None:
        _told(asked, name, text)
    return value


def _limit(asked: Asked, name: str, default: float, scale: float) -> float:
    value = _number(asked, name, typed.number)
    return default if value is None else float(value) / scale


def _ids(asked: Asked, name: str) -> tuple[int, ...]:
    found = []
    for text in asked.given.getlist(name)[:MOST_IDS]:
        if not text:
            continue
        number = typed.whole(text)
        if number is None:
            _told(asked, name, text)
        else:
            found.append(number)
    return tuple(found)


def _moment(asked: Asked, name: str, days: int = 0) -> int | None:
    day = _number(asked, name, typed.day)
    if day is None:
        return None
    return int((day - dt.date(1970, 1, 1)).days + days) * 86_400


def _place(asked: Asked) -> tuple[int, int] | None:
    row, column = (_number(asked, name, typed.whole) for name in ("row", "column"))
    return None if row is None or column is None else (row, column)


def _measure(asked: Asked, name: str, at: str, *, first: bool = False) -> Measure | None:
    key = asked.given.get(name, "")
    if key and key not in asked.quantities:
        _told(asked, name, key)
        return None
    if not key and not first:
        return None
    series = Series.objects.filter(n__gt=0)
    if not key:
        most = series.order_by("-n", "pk").first()
        if most is None:
            return None
        key = str(most.quantity_id)
    row = asked.quantities[key].row
    rows = list(series.filter(quantity=row).values_list("at", "n"))[:MOST_POINTS]
    rows.sort(key=lambda one: sort_key(one[0]))
    asked.points[at] = [(one.text, condition_text(one)) for one, _n in rows]
    known = {one.text: one for one, _n in rows}
    wanted = [text for text in dict.fromkeys(asked.given.getlist(at)) if text]
    if EVERY in wanted:
        return Measure(row.pk, (), row.stage)
    for text in wanted:
        if text not in known and name in asked.given:
            _told(asked, at, text)
    points: tuple[Condition, ...] = tuple(known[text] for text in wanted if text in known)
    if not points and rows:
        points = (max(rows, key=lambda one: one[1])[0],)
    return Measure(row.pk, points, row.stage)


def _ranges(asked: Asked) -> tuple[Range, ...]:
    return tuple(one for letter in RANGES if (one := _range(asked, letter)) is not None)


def _range(asked: Asked, letter: str) -> Range | None:
    name, at, low, high = range_names(letter)
    key = asked.given.get(name, "")
    if not key:
        return None
    if key not in asked.quantities:
        _told(asked, name, key)
        return None
    shown = asked.quantities[key]
    measure = _measure(asked, name, at)
    if measure is None:
        return None
    least = _limit(asked, low, -math.inf, shown.scale)
    return Range(measure, least, _limit(asked, high, math.inf, shown.scale))
