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

from mppcqa.columnar.answers import (
    Histogram,
    Listed,
    Moment,
    Outlier,
    Pairs,
    Summary,
    Yield,
    bin_edges,
    known,
)
from mppcqa.columnar.rows import point_of
from mppcqa.columnar.snapshot import Snapshot, forget, snapshot
from mppcqa.inventory.scope import ALL, Scope
from mppcqa.loading import Later
from mppcqa.stages import Condition

if TYPE_CHECKING:
    import duckdb
else:
    duckdb = Later("duckdb")

AS_SIGMA = 1.4826
"""Median absolute deviation -> standard deviation of a normal distribution."""
MOST_GROUPS = 200
MOST_PAIRS = 4000
MOST_LISTED = 200
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
    "channel": "v.channel",
    "point": "v.point",
}
"""What values may be grouped by, as SQL; weeks are numbered since 1970."""
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
    at: tuple[Condition, ...] = ()
    stage: str = ""


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

    def _rows(self, measure: Measure, *, ranged: bool = True) -> Asked:
        """``FROM`` values ``v`` with what they belong to, ``m``, and ``WHERE``."""
        source, parameters = self.snapshot.source(measure.quantity)
        mine = self._mine()
        wheres = ["v.quantity = ?", "v.bound = 0"]
        own: list[Any] = [measure.quantity]
        if measure.at:
            wheres.append("v.point IN (" + ", ".join("?" * len(measure.at)) + ")")
            own += [point_of(at) for at in measure.at]
        if self.chosen.channel is not None:
            wheres.append("v.channel = ?")
            own.append(self.chosen.channel)
        for sign, limit in ((">=", self.chosen.low), ("<=", self.chosen.high)):
            if math.isfinite(limit):
                wheres.append(f"v.value {sign} ?")
                own.append(limit)
        for one in self.chosen.ranges if ranged else ():
            inner = self._range(one)
            wheres.append(inner.sql)
            own += inner.parameters
        sql = (
            f"FROM {source} v JOIN mine m ON m.device = v.device AND m.analysis = v.analysis "
            f"WHERE {' AND '.join(wheres)} AND {mine.sql}"
        )
        return Asked(sql, [*parameters, *own, *mine.parameters])

    def _range(self, one: Range) -> Asked:
        """Devices with such a value; channels of their own where both are of channels."""
        source, parameters = self.snapshot.source(one.measure.quantity)
        wheres = ["w.quantity = ?", "w.bound = 0", "w.value BETWEEN ? AND ?"]
        wanted: list[Any] = [one.measure.quantity, one.low, one.high]
        if one.measure.at:
            wheres.append("w.point IN (" + ", ".join("?" * len(one.measure.at)) + ")")
            wanted += [point_of(at) for at in one.measure.at]
        sql = (
            f"EXISTS (SELECT 1 FROM {source} w JOIN mine n ON n.device = w.device "
            f"AND n.analysis = w.analysis WHERE {' AND '.join(wheres)} AND w.device = v.device "
            "AND (w.channel = v.channel OR w.channel < 0 OR v.channel < 0))"
        )
        return Asked(sql, [*parameters, *wanted])

    def ask(self, sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Rows of an answer."""
        return self._asked(sql, parameters).fetchall()

    def _asked(self, sql: str, parameters: Sequence[Any]) -> duckdb.DuckDBPyConnection:
        try:
            return self.snapshot.cursor().execute(sql, list(parameters))
        except duckdb.IOException:
            forget()  # so that the next question looks which files there are
            raise

    # Answers.

    def summary(self, measure: Measure, group: str = "") -> list[Summary]:
        """Robust numbers of each group, the largest groups first."""
        rows = self._rows(measure)
        sql = (
            f"SELECT {GROUPS[group]} AS g, count(*), count(DISTINCT m.device), median(v.value), "
            f"{AS_SIGMA} * mad(v.value), avg(v.value), stddev_samp(v.value), "
            "quantile_cont(v.value, [0.05, 0.25, 0.75, 0.95]), min(v.value), max(v.value) "
            f"{rows.sql} GROUP BY g ORDER BY count(*) DESC, g LIMIT {MOST_GROUPS}"
        )
        return [
            Summary(g, n, devices, median, scatter, mean, sigma, tuple(quantiles), low, high)
            for g, n, devices, median, scatter, mean, sigma, quantiles, low, high in self.ask(
                sql, rows.parameters
            )
        ]

    def histogram(
        self, measure: Measure, group: str = "", bins: int = 60, most: int = MOST_GROUPS
    ) -> Histogram:
        """Counts by group in equal bins, which leave out the outermost 0.1 % on either side."""
        rows = self._rows(measure)
        sql = (
            "SELECT count(*), min(v.value), max(v.value), "
            f"approx_quantile(v.value, [0.001, 0.25, 0.75, 0.999]) {rows.sql}"
        )
        n, least, greatest, quantiles = self.ask(sql, rows.parameters)[0]
        if not n:
            return Histogram([], {}, 0, 0)
        edges = bin_edges(n, least, greatest, quantiles, bins)
        low, width, count = edges[0], edges[1] - edges[0], len(edges) - 1
        sql = (
            f"SELECT {GROUPS[group]} AS g, "
            f"greatest(-1, least({count}, floor((v.value - ?) / ?)))::INTEGER AS b, count(*) "
            f"{rows.sql} GROUP BY g, b"
        )
        found: dict[Any, list[int]] = {}
        below = above = 0
        for g, b, number in self.ask(sql, [low, width, *rows.parameters]):
            if b == count and greatest <= edges[-1]:
                b -= 1  # the greatest of all is in the last bin
            below, above = below + number * (b < 0), above + number * (b >= count)
            if 0 <= b < count:
                found.setdefault(g, [0] * count)[b] += number
        largest = sorted(found, key=lambda g: (-sum(found[g]), str(g)))[:most]
        return Histogram(edges, {g: found[g] for g in largest}, below, above, len(found))

    def over_time(self, measure: Measure, group: str = "", most: int = 12) -> list[Moment]:
        """Median and quartiles of each week and group."""
        rows = self._rows(measure)
        sql = (
            f"SELECT {GROUPS[group]} AS g, {WEEK} AS week, count(*), median(v.value), "
            f"quantile_cont(v.value, [0.25, 0.75]) {rows.sql} AND m.measured IS NOT NULL "
            "GROUP BY g, week ORDER BY g, week"
        )
        return [Moment(g, week, n, middle, *quartiles) for g, week, n, middle, quartiles in (
            self.ask(sql, rows.parameters)
        )]  # fmt: skip

    def pairs(self, first: Measure, second: Measure, group: str = "") -> Pairs:
        """Two quantities of the same channel, and how they go together.

        At most `MOST_PAIRS` of them, the same ones each time; the coefficients are of all.
        """
        left, right = self._rows(first), self._rows(second, ranged=False)
        of = GROUPS[group]
        sql = (
            "CREATE TEMP TABLE p AS "
            f"WITH a AS (SELECT m.device, v.channel, {of} AS g, avg(v.value) AS x {left.sql} "
            "GROUP BY ALL), "
            f"b AS (SELECT m.device, v.channel, avg(v.value) AS y {right.sql} GROUP BY ALL) "
            "SELECT device, channel, a.g, a.x, b.y FROM a JOIN b USING (device, channel)"
        )
        duck = self._asked(sql, [*left.parameters, *right.parameters])
        ranks = "rank() OVER (ORDER BY {0}) + (count(*) OVER (PARTITION BY {0}) - 1) / 2.0"
        n, pearson, slope, offset, spearman = duck.execute(
            "SELECT count(*), corr(x, y), regr_slope(y, x), regr_intercept(y, x), corr(r, s) FROM "
            f"(SELECT x, y, {ranks.format('x')} AS r, {ranks.format('y')} AS s FROM p)"
        ).fetchall()[0]
        points = duck.execute(
            "SELECT device, channel, g, x, y FROM p "
            f"ORDER BY hash(device, channel) LIMIT {MOST_PAIRS}"
        ).fetchall()
        return Pairs(n, known(pearson), known(spearman), known(slope), known(offset), points)

    def tray_map(self, measure: Measure) -> list[tuple[Any, ...]]:
        """Row, column, number of values and their median at each position of trays."""
        rows = self._rows(measure)
        sql = (
            f"SELECT m.tray_row, m.tray_column, count(*), median(v.value) {rows.sql} "
            "AND m.tray_row IS NOT NULL AND m.tray_column IS NOT NULL GROUP BY ALL ORDER BY ALL"
        )
        return self.ask(sql, rows.parameters)

    def channel_map(self, measure: Measure) -> list[tuple[Any, ...]]:
        """Device type, channel, number of values and their median."""
        rows = self._rows(measure)
        sql = (
            f"SELECT m.type, v.channel, count(*), median(v.value) {rows.sql} "
            "AND v.channel >= 0 GROUP BY ALL ORDER BY ALL"
        )
        return self.ask(sql, rows.parameters)

    def outliers(
        self, measure: Measure, group: str = "", far: float = 5.0, most: int = MOST_LISTED
    ) -> list[Outlier]:
        """Values further than `far` robust standard deviations from their group's median."""
        rows = self._rows(measure)
        sql = (
            f"WITH a AS (SELECT {GROUPS[group]} AS g, m.device, v.channel, v.condition, m.run, "
            f"v.value {rows.sql}), "
            f"s AS (SELECT g, median(value) AS middle, {AS_SIGMA} * mad(value) AS scatter "
            "FROM a GROUP BY g) "
            "SELECT a.g, device, channel, condition, run, value, "
            "(value - middle) / scatter AS pull "
            "FROM a JOIN s ON s.g IS NOT DISTINCT FROM a.g "
            "WHERE scatter > 0 AND abs(value - middle) > ? * scatter "
            f"ORDER BY abs(pull) DESC, device, channel, condition LIMIT {int(most)}"
        )
        return [Outlier(*row) for row in self.ask(sql, [*rows.parameters, far])]

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

    def listed(self, measure: Measure, start: int = 0, most: int = MOST_LISTED) -> list[Listed]:
        """The values themselves, in the order of devices."""
        rows = self._rows(measure)
        sql = (
            "SELECT m.device, v.channel, v.condition, m.run, v.value, v.uncertainty, m.outcome "
            f"{rows.sql} ORDER BY m.device, v.channel, v.condition, v.value "
            f"LIMIT {int(most)} OFFSET {int(start)}"
        )
        return [Listed(*row) for row in self.ask(sql, rows.parameters)]

    def choices(self, name: str) -> list[int]:
        """Ids of what devices with values belong to, that may be chosen by."""
        scope = self._mine_of_scope()
        sql = f"SELECT DISTINCT {GROUPS[name]} AS g FROM mine m WHERE {scope.sql} AND g IS NOT NULL"
        return [row[0] for row in self.ask(sql + " ORDER BY g", scope.parameters)]

    def _mine_of_scope(self) -> Asked:
        keys = self.scope.keys()
        return Asked(
            " AND ".join(["TRUE", *(f'm."{name}" = ?' for name in keys)]), list(keys.values())
        )
