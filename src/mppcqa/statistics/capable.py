"""Capability of what is limited, over the campaign: from the summaries, worst first."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Sum

from mppcqa.limits.judging import own_limits
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.results.conditions import distance, tells_of
from mppcqa.statistics.capability import Capability, capability, of_quantiles
from mppcqa.statistics.control import ROUNDING
from mppcqa.statistics.models import Bucket, OutcomeCount, Series

LEAST = 3
SHOWN = 200
TAILS = (0.00135, 0.5, 0.99865)


@dataclass(frozen=True)
class Capable:
    """A limited quantity at a condition; all in its stored unit."""

    series: Series
    limit: Limit
    limit_set: LimitSet
    n: int
    devices: int
    """That the intervals are for: channels of one device are alike, and count as one."""
    mean: float
    sigma: float
    found: Capability
    robust: float | None
    """Cpk from quantiles, whatever the distribution; None of fewer than 1,000 values."""
    below: int
    above: int
    """Values outside, as far as buckets tell."""


def capabilities(stage: str) -> list[Capable]:
    """By the limits in use at a stage, those with the least Cpk first."""
    sets = [one for one in own_limits(stage).values() if one.is_general]
    given = Limit.objects.filter(limit_set__in=sets).select_related("quantity", "limit_set")
    limits = [one for one in given if (one.pass_low, one.pass_high) != (None, None)]
    rows = Series.objects.filter(quantity__in={one.quantity_id for one in limits}, n__gte=LEAST)
    by_quantity: dict[int, list[Series]] = defaultdict(list)
    for series in rows.select_related("quantity").order_by("-n", "pk"):
        by_quantity[series.quantity_id].append(series)
    pairs = [
        (limit, series)
        for limit in limits
        for series in _where(limit, by_quantity[limit.quantity_id])
    ][:SHOWN]
    counted = OutcomeCount.objects.filter(stage=stage).aggregate(n=Sum("n"))["n"] or 0
    buckets: dict[int, list[tuple[int, int]]] = defaultdict(list)
    cells = Bucket.objects.filter(series__in=[series.pk for _limit, series in pairs], n__gt=0)
    for pk, bucket, n in cells.values_list("series_id", "bucket", "n"):
        buckets[pk].append((bucket, n))
    found = [_one(limit, series, counted, sorted(buckets[series.pk])) for limit, series in pairs]
    there = [one for one in found if one is not None]
    return sorted(there, key=lambda one: (one.found.cpk, one.series.pk))


def _where(limit: Limit, there: Sequence[Series]) -> list[Series]:
    """Where a limit judges: at the nearest condition, or at all."""
    if not limit.at:
        return list(there)
    near = [(distance(one.at, limit.at), one) for one in there if tells_of(one.at, limit.at)]
    least = min((far for far, _one in near), default=math.inf)
    return [one for far, one in near if far == least and math.isfinite(far)][:1]


def _one(
    limit: Limit, series: Series, counted: int, buckets: Sequence[tuple[int, int]]
) -> Capable | None:
    n = series.n
    shift = series.total / n
    variance = (series.squares - n * shift**2) / (n - 1)
    devices = max(LEAST, min(n, counted))
    mean, sigma = series.origin + shift, math.sqrt(max(variance, 0.0))
    if sigma <= ROUNDING * abs(mean):
        return None  # always the same number
    found = capability(mean, sigma, devices, limit.pass_low, limit.pass_high)
    edges = [(series.origin + at * series.width, number) for at, number in buckets]
    below = above = 0
    for edge, number in edges:
        middle = edge + series.width / 2
        below += number * (limit.pass_low is not None and middle < limit.pass_low)
        above += number * (limit.pass_high is not None and middle > limit.pass_high)
    robust = None
    if n >= 1000 and edges:
        least, median, greatest = (_quantile(edges, series.width, one) for one in TAILS)
        if greatest > least:
            robust = of_quantiles(least, median, greatest, limit.pass_low, limit.pass_high)
    return Capable(
        series, limit, limit.limit_set, n, devices, mean, sigma, found, robust, below, above
    )


def _quantile(edges: Sequence[tuple[float, int]], width: float, share: float) -> float:
    """Within its bucket a value is anywhere with the same chance."""
    wanted = share * sum(n for _edge, n in edges)
    for edge, n in edges:
        if wanted <= n:
            return edge + width * wanted / n
        wanted -= n
    return edges[-1][0] + width
