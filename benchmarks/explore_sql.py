"""The questions of ``make bench BENCH=explore`` as one would ask them of MariaDB."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from django.db import connection

from mppcqa.columnar.grouped import AS_SIGMA
from mppcqa.columnar.questions import Chosen, Measure
from mppcqa.results.conditions import compared
from mppcqa.results.models import ConditionPoint

WEEK = "FLOOR((TIMESTAMPDIFF(DAY, '1970-01-01', v.judged_at) + 3) / 7)"


def marks(values: Sequence[Any]) -> str:
    """Numbers as a list of SQL."""
    return ", ".join(str(int(one)) for one in values)


def source(measure: Measure, chosen: Chosen, more: str = "") -> str:
    """``FROM`` values that count ``m`` of chosen devices ``d``."""
    at = [one.pk for one in ConditionPoint.objects.all() if compared(one.at) in measure.at]
    lots = chosen.ids.get("lot", ())
    wheres = [f"s.stage = '{measure.stage}'", f"m.quantity_id = {measure.quantity}"]
    wheres.append(f"m.condition_id IN ({marks(at)})")
    if lots:
        wheres.append(f"d.lot_id IN ({marks(lots)})")
    if chosen.outcomes:
        wheres.append("s.outcome IN (" + ", ".join(f"'{one}'" for one in chosen.outcomes) + ")")
    tags = ""
    if chosen.tags:
        tags = "JOIN inventory_device_tags t ON t.device_id = d.id "
        wheres.append(f"t.tag_id IN ({marks(chosen.tags)})")
    return (
        f"FROM results_standing s JOIN inventory_device d ON d.id = s.device_id {tags}"
        "JOIN results_measurement m ON m.analysis_id = s.analysis_id AND m.device_id = s.device_id "
        f"{more} WHERE {' AND '.join(wheres)}"
    )


RUN = (
    "JOIN results_analysis a ON a.id = s.analysis_id JOIN runs_runfile f ON f.id = a.run_file_id "
    "JOIN runs_run r ON r.id = f.run_id"
)


def ask(sql: str) -> list[tuple[Any, ...]]:
    """Rows of an answer."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def histogram(measure: Measure, chosen: Chosen, edges: list[float], by: str) -> dict[Any, int]:
    """(group, bin) -> n."""
    width = edges[1] - edges[0]
    return {
        (group, int(b)): n
        for group, b, n in ask(
            f"SELECT {by} AS g, FLOOR((m.value - {edges[0]!r}) / {width!r}) AS b, COUNT(*) "
            f"{source(measure, chosen)} GROUP BY g, b"
        )
    }


def medians(measure: Measure, chosen: Chosen, by: str, more: str = "") -> dict[Any, float]:
    """Group -> median."""
    return dict(
        ask(
            f"SELECT DISTINCT g, MEDIAN(x) OVER (PARTITION BY g) FROM (SELECT {by} AS g, "
            f"m.value AS x {source(measure, chosen, more)}) q"
        )
    )


def tray_map(measure: Measure, chosen: Chosen) -> dict[tuple[int, int], float]:
    """Median by position."""
    found = medians(measure, chosen, "d.tray_row * 1000 + d.tray_column")
    return {divmod(int(place), 1000): value for place, value in found.items()}


def pairs(first: Measure, second: Measure, chosen: Chosen) -> tuple[int, float]:
    """How many, and Pearson's coefficient."""
    one = f"SELECT m.device_id AS i, m.channel AS c, AVG(m.value) AS x {source(first, chosen)}"
    two = f"SELECT m.device_id AS i, m.channel AS c, AVG(m.value) AS y {source(second, chosen)}"
    n, mx, my, xx, yy, xy = ask(
        "SELECT COUNT(*), AVG(x), AVG(y), AVG(x * x), AVG(y * y), AVG(x * y) FROM "
        f"({one} GROUP BY i, c) a JOIN ({two} GROUP BY i, c) b ON a.i = b.i AND a.c = b.c"
    )[0]
    return n, (xy - mx * my) / math.sqrt((xx - mx * mx) * (yy - my * my))


def outliers(measure: Measure, chosen: Chosen, far: float) -> int:
    """How many values lie far from the median of all."""
    return int(
        ask(
            "SELECT COUNT(*) FROM (SELECT x, z, MEDIAN(ABS(x - z)) OVER () AS s FROM "
            f"(SELECT x, MEDIAN(x) OVER () AS z FROM (SELECT m.value AS x "
            f"{source(measure, chosen)}) q) w) u WHERE ABS(x - z) > {far * AS_SIGMA} * s"
        )[0][0]
    )


def summary(measure: Measure, chosen: Chosen) -> tuple[int, float]:
    """How many, and their mean."""
    n, mean = ask(f"SELECT COUNT(*), AVG(m.value) {source(measure, chosen)}")[0]
    return n, mean or 0.0


def yields(stage: str, chosen: Chosen) -> dict[int, tuple[int, int]]:
    """Week -> judged and passed devices."""
    lots = chosen.ids.get("lot", ())
    where = f"AND d.lot_id IN ({marks(lots)})" if lots else ""
    return {
        int(week): (n, int(passed))
        for week, n, passed in ask(
            f"SELECT {WEEK} AS w, COUNT(*), SUM(s.outcome IN ('pass', 'warning')) "
            "FROM results_standing s JOIN limits_verdict v ON v.id = s.verdict_id "
            f"JOIN inventory_device d ON d.id = s.device_id WHERE s.stage = '{stage}' {where} "
            "GROUP BY w"
        )
    }
