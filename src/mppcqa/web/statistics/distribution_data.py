"""What the page of distributions shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.db.models import Sum

from mppcqa.statistics.models import Bucket, OutcomeCount, Series
from mppcqa.web.addresses import address
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
    devices = _devices(chosen, choices)
    context |= {
        "label": label,
        "unit": unit,
        "mean": (chosen.origin + shift) * scale,
        "mean_uncertainty": spread / math.sqrt(devices) if devices > 1 else None,
        "spread": spread,
        # Of a sample from a normal distribution, in the usual approximation.
        "spread_uncertainty": spread / math.sqrt(2 * (devices - 1)) if devices > 1 else None,
        "devices": devices,
        "n": chosen.n,
        "chart": histogram(
            "series", label, unit, edges, counts, _values_of(chosen, low="{low}", high="{high}")
        ),
        "values": _values_of(chosen),
        "rows": [
            (low, high, n, _values_of(chosen, low=f"{low:.7g}", high=f"{high:.7g}"))
            for low, high, n in zip(edges, edges[1:], counts, strict=False)
        ],
    }
    return context


def _values_of(series: Series, **limits: str) -> str:
    """Address of the values of a series, or of those between limits: each with its device."""
    asked = {"kind": "values", "q": series.quantity_id, "at": series.at.text, **limits}
    return f"{address('workbench')}?{urlencode(asked)}"


def _devices(chosen: Series, all_series: Sequence[Series]) -> int:
    """About how many devices the values of a series are of, but not more; 0 where nothing tells.

    Channels of one device are alike: a mean over 193 devices of 16 channels is known as one over
    193 values is, and not as one over 3088. The summaries count no devices by series, so those that
    are judged at the stage stand for the series of its quantity with the most values.
    """
    rows = OutcomeCount.objects.filter(stage=chosen.quantity.stage)
    judged = rows.aggregate(n=Sum("n"))["n"] or 0
    most = max(one.n for one in all_series if one.quantity_id == chosen.quantity_id)
    return min(chosen.n, judged * chosen.n // most)


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
