"""Questions over the whole campaign: what may be asked, and the answers as plain numbers.

A question is about one quantity, or two of the same channel, at conditions as they are compared
over the campaign, of the values that count. One-sided limits are no values and are left out.
All numbers are in the quantity's stored unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.columnar.answers import (
    Extent,
    Histogram,
    Listed,
    Moment,
    Outlier,
    Pairs,
    Summary,
    Yield,
    bin_edges,
    in_order,
    known,
    largest,
    rank_correlation,
)
from mppcqa.columnar.grouped import always_the_same, device_and_channel, grouped, line_of
from mppcqa.columnar.looked import Looked, OfValues, Part, having, joined, look
from mppcqa.columnar.paired import meet
from mppcqa.columnar.rows import point_of
from mppcqa.columnar.snapshot import Snapshot, forget, snapshot
from mppcqa.inventory.scope import ALL, Scope
from mppcqa.loading import Later
from mppcqa.stages import Condition

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

MOST_GROUPS = 200
MOST_PAIRS = 4000
MOST_LISTED = 200
ONE_OF, ENOUGH = 17, 10_000
"""Where bins begin and end is told by every so manieth of many values, if these are enough. A prime
number, for values lie in the order of channels: every sixteenth would be of one channel alone.
"""
DAY_S = 86_400
MONDAY = 3
"""Days from the Monday before 1970 to its first day."""

WEEK = f"((m.measured // {DAY_S} + {MONDAY}) // 7)"
GROUPS = {
    "": "0",
    "lot": "m.lot",
    "maker": "m.maker",
    "type": "m.type",
    "tray": "m.tray",
    "station": "m.station",
    "operator": "m.operator",
    "run": "m.run",
    "device": "m.device",
    "location": "m.location",
    "outcome": "m.outcome",
    "week": WEEK,
    "channel": "",
    "point": "",
}
"""What values may be grouped by, as SQL on a row of ``mine`` where it says so; weeks are numbered
since 1970."""
PLACES = 1 << 20
PLACE = f"m.tray_row * {PLACES} + m.tray_column"
OF_DEVICES = tuple(name for name in GROUPS if name not in ("channel", "point"))
NONE = 0
"""Among the ids that are chosen: what belongs to none."""
KEYS = ("lot", "maker", "type", "tray", "station", "operator", "run", "device", "location")
"""What is filtered by ids."""
GOOD = "('pass', 'warning')"


@dataclass(frozen=True)
class Measure:
    """A quantity (id) at compared conditions; without any, at all."""

    quantity: int
    at: tuple[Condition, ...]
    stage: str


@dataclass(frozen=True)
class Range:
    """Only devices (or channels) with a value of another quantity in [low, high]."""

    measure: Measure
    low: float = -math.inf
    high: float = math.inf


@dataclass(frozen=True)
class Chosen:
    """Which values are looked at; what is empty chooses all."""

    ids: dict[str, tuple[int, ...]] = field(default_factory=dict)
    """Of `KEYS`."""
    outcomes: tuple[str, ...] = ()
    tags: tuple[int, ...] = ()
    since: int | None = None
    """Seconds since 1970: measured then or later."""
    until: int | None = None
    """Measured before."""
    ranges: tuple[Range, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    """Of the values themselves."""
    channel: int | None = None
    place: tuple[int, int] | None = None
    """Row and column in a tray."""


def _inside(part: Part, low: float, high: float) -> NDArray[np.bool_]:
    return (part.slice.value >= low) & (part.slice.value <= high)


@dataclass
class Asked:
    """Parts of an SQL statement and its parameters, in the order in which they stand."""

    sql: str
    parameters: list[Any]


class Questions:
    """Asks one snapshot, as a person who is bound to `scope` sees the campaign."""

    def __init__(self, scope: Scope = ALL, chosen: Chosen | None = None) -> None:
        self.scope, self.chosen = scope, chosen or Chosen()
        self.snapshot: Snapshot = snapshot()
        self._rows: dict[str, NDArray[np.int64]] = {}
        """Of ``mine``, by stage: what is chosen."""

    # What is looked at.

    def _mine(self, *, outcomes: bool = True) -> Asked:
        """Conditions on a row ``m`` of the table ``mine``."""
        wheres: list[str] = ["TRUE"]
        parameters: list[Any] = []
        # What is bound to what is said by the scope alone; a name that is no column fails.
        for name, key in self.scope.keys().items():
            wheres.append(f'm."{name}" = ?')
            parameters.append(key)
        for name, ids in self.chosen.ids.items():
            if name not in KEYS:
                raise ValueError(f"{name} is nothing to choose by")
            if ids:
                wheres.append(f"coalesce({GROUPS[name]}, {NONE}) IN (SELECT unnest(?::BIGINT[]))")
                parameters.append(list(ids))
        if outcomes and self.chosen.outcomes:
            wheres.append("m.outcome IN (SELECT unnest(?::VARCHAR[]))")
            parameters.append(list(self.chosen.outcomes))
        if self.chosen.tags:
            wheres.append(
                "m.device IN (SELECT device FROM tags WHERE tag IN (SELECT unnest(?::BIGINT[])))"
            )
            parameters.append(list(self.chosen.tags))
        if self.chosen.place:
            wheres.append("m.tray_row = ? AND m.tray_column = ?")
            parameters += self.chosen.place
        for sign, moment in ((">=", self.chosen.since), ("<", self.chosen.until)):
            if moment is not None:
                wheres.append(f"m.measured {sign} ?")
                parameters.append(moment)
        return Asked(" AND ".join(wheres), parameters)

    def _looked(self, measure: Measure, *, ranged: bool = True, one_sided: bool = False) -> Looked:
        """The values that a question is about; ranges are those of its first quantity."""
        conditions: list[OfValues] = []
        if (channel := self.chosen.channel) is not None:
            conditions.append(lambda part: part.slice.channel == channel)
        low, high = self.chosen.low, self.chosen.high
        if ranged and (math.isfinite(low) or math.isfinite(high)):
            conditions.append(lambda part: _inside(part, low, high))
        for one in self.chosen.ranges if ranged else ():
            every = self._numbers(one.measure.stage, Asked("TRUE", []))
            within = [lambda part, r=one: _inside(part, r.low, r.high)]
            conditions.append(having(self._look(one.measure, every, within)))
        if (rows := self._rows.get(measure.stage)) is None:
            rows = self._rows[measure.stage] = self._numbers(measure.stage, self._mine())
        return self._look(measure, rows, conditions, one_sided=one_sided)

    def _look(
        self,
        measure: Measure,
        rows: NDArray[np.int64],
        conditions: Sequence[OfValues],
        *,
        one_sided: bool = False,
    ) -> Looked:
        read = self.snapshot.one_sided if one_sided else self.snapshot.slices
        try:
            slices = read(measure.quantity, [point_of(at) for at in measure.at])
        except duckdb.IOException:
            forget()  # so that the next question looks which files there are
            raise
        return look(self.snapshot, slices, rows, conditions)

    def one_sided(self, measure: Measure) -> int:
        """How many one-sided limits would be among the values, were they values."""
        return len(self._looked(measure, one_sided=True))

    def _numbers(self, stage: str, mine: Asked) -> NDArray[np.int64]:
        """Rows of the table ``mine`` of a stage."""
        found = self.snapshot.cursor().execute(
            f"SELECT m.number FROM mine m WHERE m.stage = ? AND {mine.sql}",
            [stage, *mine.parameters],
        )
        return np.asarray(found.fetchnumpy()["number"], np.int64)

    def ask(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of an answer."""
        return self.snapshot.cursor().execute(sql, list(parameters)).fetchall()

    # Answers.

    def summary(self, measure: Measure, group: str = "") -> list[Summary]:
        """Robust numbers of each group, the largest groups first."""
        looked = self._looked(measure)
        codes, keys = looked.codes(group, GROUPS[group])
        each = grouped(looked.all("value"), joined(codes), MOST_GROUPS)
        devices = looked.devices_of(codes)
        quantiles = [each.quantile(part).tolist() for part in (0.05, 0.25, 0.75, 0.95)]
        columns = (each.medians, each.scatter, each.means, each.sigmas)
        found = [
            Summary(
                keys[code], n, devices[code], middle, scatter, mean, known(sigma), parts, low, high
            )
            for code, n, middle, scatter, mean, sigma, parts, low, high in zip(
                each.codes.tolist(),
                each.counts.tolist(),
                *(one.tolist() for one in columns),
                zip(*quantiles, strict=True),
                each.quantile(0.0).tolist(),
                each.quantile(1.0).tolist(),
                strict=True,
            )
        ]
        return sorted(found, key=lambda one: (-one.n, *in_order(one.group)))

    def histogram(
        self, measure: Measure, group: str = "", bins: int = 60, most: int = MOST_GROUPS
    ) -> Histogram:
        """Counts by group in equal bins, which leave out the outermost 0.1 % on either side."""
        looked = self._looked(measure)
        if not (n := len(looked)):
            return Histogram([], {}, 0, 0)
        values = [one.value for one in looked.parts]
        least, greatest = (
            min(float(one.min()) for one in values),
            max(float(one.max()) for one in values),
        )
        step = ONE_OF if n >= ENOUGH * ONE_OF else 1
        some = np.concatenate([one[::step] for one in values])
        quantiles = np.quantile(some, (0.001, 0.25, 0.75, 0.999)).tolist()
        edges = bin_edges(n, least, greatest, quantiles, bins)
        codes, keys = looked.codes(group, GROUPS[group])
        return largest(values, codes, keys, edges, most, last=greatest <= edges[-1])

    def over_time(self, measure: Measure, group: str = "") -> list[Moment]:
        """Median and quartiles of each week and group."""
        looked = self._looked(measure)
        codes, keys = looked.codes(group, GROUPS[group])
        of_week, weeks = looked.codes("week", WEEK)
        both = [
            week.astype(np.int64) if code is None else code.astype(np.int64) * len(weeks) + week
            for code, week in zip(codes, of_week, strict=True)
            if week is not None
        ]
        each = grouped(looked.all("value"), joined(both))
        found = [
            Moment(keys[code // len(weeks)], weeks[code % len(weeks)], *rest)
            for code, *rest in zip(
                each.codes.tolist(),
                each.counts.tolist(),
                *(one.tolist() for one in (each.medians, each.quantile(0.25), each.quantile(0.75))),
                strict=True,
            )
            if weeks[code % len(weeks)] is not None
        ]
        return sorted(found, key=lambda one: (*in_order(one.group), one.week))

    def pairs(self, first: Measure, second: Measure, group: str = "") -> Pairs:
        """Two quantities of the same channel, and how they go together: means over conditions,
        unless it is grouped by these (`meet`).

        At most `MOST_PAIRS` of them, the same ones each time; the coefficients are of all.
        """
        found = meet(self._looked(first), self._looked(second, ranged=False), group, GROUPS[group])
        line, spearman = line_of(found.x, found.y), rank_correlation(found.x, found.y)
        drawn = always_the_same(found.key, MOST_PAIRS)
        points = zip(
            *device_and_channel(found.key[drawn]),
            [found.groups[code] for code in found.group[drawn].tolist()],
            found.x[drawn].tolist(),
            found.y[drawn].tolist(),
            strict=True,
        )
        n = len(found.key)
        return Pairs(n, line.pearson, spearman, line.slope, line.offset, list(points))

    def tray_map(self, measure: Measure) -> list[tuple[Any, ...]]:
        """Row, column, number of values and their median at each position of trays."""
        looked = self._looked(measure)
        codes, keys = looked.codes("place", PLACE)
        each = grouped(looked.all("value"), joined(codes))
        rows = zip(each.codes.tolist(), each.counts.tolist(), each.medians.tolist(), strict=True)
        return sorted(
            (*divmod(keys[code], PLACES), n, middle)
            for code, n, middle in rows
            if keys[code] is not None
        )

    def channel_map(self, measure: Measure) -> list[tuple[Any, ...]]:
        """Device type, channel, number of values and their median."""
        looked = self._looked(measure)
        (codes, kinds), channel = looked.codes("type", GROUPS["type"]), looked.all("channel")
        if (kind := joined(codes)) is None:
            return []
        own = channel >= 0
        most = int(channel.max()) + 1
        code = (kind.astype(np.int64) * most + channel)[own]
        each = grouped(looked.all("value")[own], code)
        rows = zip(each.codes.tolist(), each.counts.tolist(), each.medians.tolist(), strict=True)
        return sorted((kinds[code // most], code % most, n, middle) for code, n, middle in rows)

    def outliers(
        self, measure: Measure, group: str = "", far: float = 5.0, most: int = MOST_LISTED
    ) -> list[Outlier]:
        """Values further than `far` robust standard deviations from their group's median."""
        looked = self._looked(measure)
        codes, keys = looked.codes(group, GROUPS[group])
        values, code = looked.all("value"), joined(codes)
        if not len(values):
            return []
        each = grouped(values, code)
        middle, scatter = np.zeros((2, int(each.codes[-1]) + 1))
        middle[each.codes], scatter[each.codes] = each.medians, each.scatter
        away, bound = (
            (values - middle[0], scatter[0])
            if code is None
            else (values - middle[code], scatter[code])
        )
        there = np.flatnonzero((np.abs(away) > far * bound) & (bound > 0))
        of = np.zeros(len(there), np.int64) if code is None else code[there]
        runs = self.snapshot.groups(GROUPS["run"])
        pull = away[there] / scatter[of]
        device, channel = (looked.all(name)[there] for name in ("device", "channel"))
        condition, row = looked.condition[there], looked.all("row")[there]
        first = np.lexsort((condition, channel, device, -np.abs(pull)))[:most]
        columns = (device, channel, condition, runs.codes[row], values[there], pull)
        return [
            Outlier(keys[g], device, channel, condition, runs.keys[run], value, pull)
            for g, device, channel, condition, run, value, pull in zip(
                of[first].tolist(), *(one[first].tolist() for one in columns), strict=True
            )
        ]

    def yields(self, stage: str, group: str = "", *, first: bool = False) -> list[Yield]:
        """Devices judged at a stage and those that pass: by what stands, or by the first verdict.

        A warning is a pass. Weeks are those of the verdict.
        """
        if group not in OF_DEVICES:
            raise ValueError(f"yields by {group} are none")
        mine = self._mine(outcomes=False)
        join, outcome, judged = "", "m.outcome", "m.judged"
        if first:
            self.snapshot.learn_verdicts()
            join = "JOIN first f ON f.device = m.device AND f.stage = m.stage"
            outcome, judged = "f.outcome", "f.judged"
        of = f"(({judged} // {DAY_S} + {MONDAY}) // 7)" if group == "week" else GROUPS[group]
        sql = (
            f"SELECT {of} AS g, count(*), count(*) FILTER ({outcome} IN {GOOD}) FROM mine m {join} "
            f"WHERE m.stage = ? AND {outcome} <> '' AND {mine.sql} GROUP BY g "
            f"ORDER BY {'g DESC' if group == 'week' else 'count(*) DESC, g'} LIMIT {MOST_GROUPS}"
        )
        return [Yield(*row) for row in self.ask(sql, [stage, *mine.parameters])]

    def extent(self, measure: Measure) -> Extent:
        """How many values, of how many devices."""
        looked = self._looked(measure)
        devices = looked.devices_of([None] * len(looked.parts))
        return Extent(len(looked), sum(devices))

    def listed(self, measure: Measure, start: int = 0, most: int = MOST_LISTED) -> list[Listed]:
        """The values themselves, in the order of devices."""
        looked = self._looked(measure)
        device, end = looked.all("device"), start + most
        # Sorting is of the first devices alone, who have all that is taken.
        near: Any = slice(None)
        if end < len(device):
            near = np.flatnonzero(device <= np.partition(device, end - 1)[end - 1])
        device, condition = device[near], looked.condition[near]
        channel, value, row = (looked.all(name)[near] for name in ("channel", "value", "row"))
        order = np.lexsort((value, condition, channel, device))[start:end]
        runs = self.snapshot.groups(GROUPS["run"])
        columns = [one[order].tolist() for one in (device, channel, condition, value)]
        which = [runs.keys[code] for code in runs.codes[row[order].astype(np.int64)].tolist()]
        return [
            Listed(int(device), int(channel), condition, run, value)
            for (device, channel, condition, value), run in zip(
                zip(*columns, strict=True), which, strict=True
            )
        ]

    def choices(self, names: Sequence[str]) -> dict[str, list[int]]:
        """Ids of what devices with values belong to, that may be chosen by, ascending."""
        scope = self._mine_of_scope()
        each = ", ".join(
            f"list(DISTINCT {GROUPS[one]}) FILTER (WHERE {GROUPS[one]} IS NOT NULL)"
            for one in names
        )
        (row,) = self.ask(f"SELECT {each} FROM mine m WHERE {scope.sql}", scope.parameters)
        return {name: sorted(ids or ()) for name, ids in zip(names, row, strict=True)}

    def _mine_of_scope(self) -> Asked:
        keys = self.scope.keys()
        return Asked(
            " AND ".join(["TRUE", *(f'm."{name}" = ?' for name in keys)]), list(keys.values())
        )
