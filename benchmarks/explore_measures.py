"""Quantities at conditions, as the questions of ``make bench BENCH=explore`` have them."""

from __future__ import annotations

from mppcqa.columnar.questions import Measure
from mppcqa.results.models import QuantityRow
from mppcqa.statistics.models import Series


def measure_of(stage: str, key: str, most: int) -> Measure:
    """A quantity at its first few conditions."""
    row = QuantityRow.objects.get(stage=stage, key=key)
    points = (
        Series.objects.filter(quantity=row, n__gt=0).order_by("pk").values_list("at", flat=True)
    )
    return Measure(row.pk, tuple(points[:most]), stage)
