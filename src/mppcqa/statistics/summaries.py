"""Summaries kept up by the ingest, in its own transaction."""

from __future__ import annotations

import datetime as dt
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models import F

from mppcqa.stages import get_stage
from mppcqa.stages.numbers import mean_with_uncertainty
from mppcqa.statistics.models import Bucket, DeviceSummary, OutcomeCount, Series
from mppcqa.testing.models import Analysis, ConditionPoint, Measurement

BATCH = 2000
BUCKETS_A_SPREAD = 8
"""Buckets a standard deviation of the first values: fine enough to merge for any chart."""


def replace_values(analysis: Analysis, former: Mapping[int, int | None]) -> None:
    """The values of an analysis count now; those that counted before for its devices do not."""
    by_former: dict[int, list[int]] = defaultdict(list)
    for device, old in former.items():
        if old is not None and old != analysis.pk:
            by_former[old].append(device)
    for old, devices in by_former.items():
        _apply(old, devices, -1)
    _apply(analysis.pk, list(former), +1)


def _apply(analysis: int, devices: list[int], sign: int) -> None:
    """Add (+1) or take away (-1) the values of an analysis of some devices."""
    rows = Measurement.objects.filter(device__in=devices, analysis=analysis)
    values = list(
        rows.values_list("device_id", "quantity_id", "condition_id", "value", "uncertainty")
    )
    points = ConditionPoint.objects.in_bulk({row[2] for row in values})
    grouped: dict[tuple[int, str], list[tuple[int, float, float | None]]] = defaultdict(list)
    condition_of: dict[str, ConditionPoint] = {}
    for device, quantity, condition, value, uncertainty in values:
        key = series_key(points[condition])
        condition_of.setdefault(key, points[condition])
        grouped[quantity, key].append((device, value, uncertainty))
    for (quantity, key), members in grouped.items():
        series = _series(quantity, key, condition_of[key], [value for _, value, _ in members])
        _add_to_series(series, [value for _, value, _ in members], sign)
        if sign > 0:
            _summarise_devices(series, members)
        else:
            ids = {device for device, _, _ in members}
            DeviceSummary.objects.filter(series=series, device__in=ids).delete()


def series_key(point: ConditionPoint) -> str:
    """Conditions that are compared over the campaign: by overvoltage, else by bias."""
    overvoltage = "" if point.overvoltage_v is None else f"dv{point.overvoltage_v:.1f}"
    bias = "" if point.bias_v is None or overvoltage else f"u{point.bias_v:.2f}"
    temperature = "" if point.temperature_c is None else f"t{point.temperature_c:.0f}"
    light = "" if point.light is None else f"l{point.light:g}"
    return " ".join(part for part in (overvoltage or bias, temperature, light) if part)


def _series(quantity: int, key: str, point: ConditionPoint, values: list[float]) -> Series:
    origin, width = _grid(values)
    series, _made = Series.objects.get_or_create(
        quantity_id=quantity,
        key=key,
        defaults={
            "overvoltage_v": None if point.overvoltage_v is None else round(point.overvoltage_v, 1),
            "temperature_c": None if point.temperature_c is None else round(point.temperature_c),
            "light": point.light,
            "origin": origin,
            "width": width,
        },
    )
    return series


def _grid(values: list[float]) -> tuple[float, float]:
    """Origin and width of buckets from the first values: round numbers."""
    mean = math.fsum(values) / len(values)
    spread = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / len(values))
    width = (spread or abs(mean) * 0.01 or 1.0) / BUCKETS_A_SPREAD
    width = float(f"{width:.0e}")
    return round(mean / width) * width, width


def _add_to_series(series: Series, values: list[float], sign: int) -> None:
    shifted = [value - series.origin for value in values]
    Series.objects.filter(pk=series.pk).update(
        n=F("n") + sign * len(values),
        total=F("total") + sign * math.fsum(shifted),
        squares=F("squares") + sign * math.fsum(value * value for value in shifted),
    )
    counts = Counter(math.floor(value / series.width) for value in shifted)
    there = set(
        Bucket.objects.filter(series=series, bucket__in=counts).values_list("bucket", flat=True)
    )
    Bucket.objects.bulk_create(
        [Bucket(series=series, bucket=bucket, n=0) for bucket in counts.keys() - there],
        ignore_conflicts=True,
    )
    by_count: dict[int, list[int]] = defaultdict(list)
    for bucket, n in counts.items():
        by_count[n].append(bucket)
    for n, buckets in by_count.items():
        Bucket.objects.filter(series=series, bucket__in=buckets).update(n=F("n") + sign * n)


def _summarise_devices(series: Series, members: Iterable[tuple[int, float, float | None]]) -> None:
    by_device: dict[int, list[tuple[float, float | None]]] = defaultdict(list)
    for device, value, uncertainty in members:
        by_device[device].append((value, uncertainty))
    DeviceSummary.objects.filter(series=series, device__in=list(by_device)).delete()
    correlated = _correlated(series)
    DeviceSummary.objects.bulk_create(
        [_device_summary(series, device, pairs, correlated) for device, pairs in by_device.items()],
        batch_size=BATCH,
    )


def _device_summary(
    series: Series, device: int, pairs: list[tuple[float, float | None]], correlated: bool
) -> DeviceSummary:
    values = [value for value, _ in pairs]
    mean, uncertainty = mean_with_uncertainty(
        values, [error for _, error in pairs], correlated=correlated
    )
    return DeviceSummary(
        device_id=device,
        series_id=series.pk,
        n=len(values),
        mean=mean,
        uncertainty=uncertainty,
        lowest=min(values),
        highest=max(values),
    )


def _correlated(series: Series) -> bool:
    """Whether the channels' uncertainties of this quantity move together."""
    row = series.quantity
    try:
        declared = get_stage(row.stage).quantities
    except KeyError:
        return False
    return any(quantity.key == row.key and quantity.correlated for quantity in declared)


def count_outcomes(stage: str, changes: Iterable[tuple[str, Any, str, Any]]) -> None:
    """Move devices between outcomes, each in the week of its verdict."""
    moves: Counter[tuple[dt.date, str]] = Counter()
    for former, former_at, new, new_at in changes:
        if former and former_at is not None:
            moves[_monday(former_at), former] -= 1
        moves[_monday(new_at), new] += 1
    for (week, outcome), n in moves.items():
        if n:
            OutcomeCount.objects.get_or_create(stage=stage, week=week, outcome=outcome)
            OutcomeCount.objects.filter(stage=stage, week=week, outcome=outcome).update(
                n=F("n") + n
            )


def _monday(at: dt.datetime) -> dt.date:
    day = at.astimezone(dt.UTC).date()
    return day - dt.timedelta(days=day.weekday())
