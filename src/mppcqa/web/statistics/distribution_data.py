"""What the page of distributions shows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mppcqa.statistics.models import Bucket, Series
from mppcqa.web.charting import histogram
from mppcqa.web.series import series_label, series_scale, series_unit

BINS = 60


def distribution_picture(asked: Mapping[str, str]) -> dict[str, Any]:
    """All series to choose from, and the histogram of one, from its buckets alone."""
    choices = list(Series.objects.filter(n__gt=0).select_related("quantity").order_by("pk")[:500])
    wanted = asked.get("series", "")
    chosen = next((one for one in choices if str(one.pk) == wanted), None)
    chosen = chosen or max(choices, key=lambda one: one.n, default=None)
    context: dict[str, Any] = {
        "choices": [(one.pk, series_label(one)) for one in choices],
        "chosen": chosen,
    }
    if chosen is None:
        return context
    scale, unit = series_scale(chosen), series_unit(chosen)
    shift = chosen.total / chosen.n
    variance = max(0.0, chosen.squares / chosen.n - shift**2)
    if chosen.n > 1:
        variance *= chosen.n / (chosen.n - 1)
    counts, edges = _histogram(chosen)
    edges = [edge * scale for edge in edges]
    label = series_label(chosen)
    spread = math.sqrt(variance) * abs(scale)
    context |= {
        "label": label,
        "unit": unit,
        "mean": (chosen.origin + shift) * scale,
        "mean_uncertainty": math.sqrt(variance / chosen.n) * abs(scale),
        "spread": spread,
        # Of a sample from a normal distribution, in the usual approximation.
        "spread_uncertainty": spread / math.sqrt(2 * (chosen.n - 1)) if chosen.n > 1 else None,
        "n": chosen.n,
        "chart": histogram("series", label, unit, edges, counts),
        "rows": list(zip(edges, edges[1:], counts, strict=False)),
    }
    return context


def _histogram(series: Series) -> tuple[list[int], list[float]]:
    """Counts and edges of the bins that cover the occupied buckets.

    Their number follows Rice's rule, 2 n^(1/3), so that few values make no comb; a far outlier
    does not widen them beyond Scott's width, 3.49 sigma n^(-1/3). At most `BINS`.
    """
    buckets = dict(
        Bucket.objects.filter(series=series, n__gt=0).order_by("bucket").values_list("bucket", "n")
    )
    if not buckets:
        return [], []
    low, high = min(buckets), max(buckets)
    span, root = high - low + 1, series.n ** (1 / 3)
    variance = max(0.0, series.squares / series.n - (series.total / series.n) ** 2)
    scott = 3.49 * math.sqrt(variance) / root / series.width
    wanted = max(2 * root, span / scott if scott > 0 else 0)
    merged = max(1, math.ceil(span / min(BINS, wanted)))
    bins = (high - low) // merged + 1
    counts = [0] * bins
    for bucket, n in buckets.items():
        counts[(bucket - low) // merged] += n
    edges = [series.origin + (low + i * merged) * series.width for i in range(bins + 1)]
    return counts, edges
