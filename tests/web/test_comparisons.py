"""Two ways to measure against each other, and histograms: by numbers of another hand."""

from __future__ import annotations

import math
import re
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mppcqa.results.models import Measurement
from mppcqa.statistics.models import Bucket, Series
from mppcqa.web.statistics.distribution_data import BINS, distribution_picture
from mppcqa.web.statistics.gauge_data import Compared, agreement
from mppcqa.web.statistics.production_data import funnel
from mppcqa.web.statistics.yield_data import yield_picture

pytestmark = pytest.mark.django_db
RNG = np.random.default_rng(11)
X = RNG.normal(50, 2, 40)
Y = 0.5 + 1.02 * X + RNG.normal(0, 0.1, 40)


def compared(x: np.ndarray = X, y: np.ndarray = Y, error: float = 1.0, **facts: Any) -> Compared:
    made = Compared("a", "b", "V", **facts)
    made.rows = [(n, a, error, b, error) for n, (a, b) in enumerate(zip(x, y, strict=True), 1)]
    return made


def facts(made: Compared) -> dict[str, tuple[float, float | None]]:
    return {title: (value, error) for title, value, error, _unit in agreement(made)["facts"]}


def test_differences_are_those_of_bland_and_altman() -> None:
    difference = Y - X
    found = facts(compared(equal=True))
    mean, scatter = difference.mean(), difference.std(ddof=1)
    assert found["Mean difference"][0] == pytest.approx(mean)
    assert found["Mean difference"][1] == pytest.approx(scatter / math.sqrt(40))
    assert found["Scatter of the differences"][0] == pytest.approx(scatter)
    lower, upper = (found[f"Limits of agreement, {one}"][0] for one in ("lower", "upper"))
    assert lower == pytest.approx(mean - 1.96 * scatter, rel=0.005)
    assert upper == pytest.approx(mean + 1.96 * scatter, rel=0.005)


def test_with_equal_uncertainties_the_line_is_the_orthogonal_one() -> None:
    """Deming's slope for equal variances, in closed form."""
    sxx, syy, sxy = np.var(X), np.var(Y), np.cov(X, Y, bias=True)[0, 1]
    slope = (syy - sxx + math.hypot(syy - sxx, 2 * sxy)) / (2 * sxy)
    found = facts(compared(equal=True))
    assert found["Slope"][0] == pytest.approx(slope, rel=1e-6)
    assert found["Intercept"][0] == pytest.approx(Y.mean() - slope * X.mean(), rel=1e-4)
    assert "Scatter that uncertainties do not explain" not in found


def test_what_calibrations_share_is_told_and_counts_in_what_is_far() -> None:
    apart = compared(equal=True)
    assert agreement(apart)["far"]
    assert "Uncertain by calibrations" not in facts(apart)
    shared = compared(equal=True, shared=10.0)
    assert facts(shared)["Uncertain by calibrations"] == (10.0, None)
    assert not agreement(shared)["far"]


def test_too_few_devices_and_devices_all_alike_are_told() -> None:
    few = agreement(compared(X[:3], Y[:3]))
    assert (few["n"], few["least"]) == (3, 4)
    assert "facts" not in few
    alike = agreement(compared(np.full(5, 50.0), Y[:5]))
    assert alike["alike"]
    assert "facts" not in alike
    assert "facts" in agreement(compared(X[:4], Y[:4]))


def drawn(placed: dict[str, Any], name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = placed["spec"]["datasets"][name]
    return rows


def test_the_charts_of_an_agreement_have_each_device_at_its_values() -> None:
    made = compared(error=0.2)
    found = agreement(made)
    york, bland = drawn(found["york"], "points"), drawn(found["bland"], "points")
    for (one, two), (_n, x, ex, y, ey) in zip(
        zip(york, bland, strict=True), made.rows, strict=True
    ):
        assert (one["x"], one["y"]) == (x, y)
        assert (one["xl"], one["xh"], one["yl"], one["yh"]) == (x - ex, x + ex, y - ey, y + ey)
        assert two["x"] == pytest.approx((x + y) / 2)
        assert two["y"] == pytest.approx(y - x)
        assert two["yh"] - two["y"] == pytest.approx(math.hypot(ex, ey))
    equal = drawn(agreement(compared(equal=True))["york"], "points")
    assert all(one["xl"] == one["x"] == one["xh"] for one in equal), "no bars of what is not known"


def test_a_histogram_counts_each_value_once_between_its_edges(campaign: SimpleNamespace) -> None:
    for series in Series.objects.filter(n__gt=0).order_by("n", "pk")[::8]:
        shown = distribution_picture({"series": str(series.pk)})
        rows = shown["rows"]
        assert sum(n for _low, _high, n, _link in rows) == shown["n"] == series.n
        assert 1 <= len(rows) <= BINS
        lows, highs = [row[0] for row in rows], [row[1] for row in rows]
        assert lows[1:] == highs[:-1]
        assert lows == sorted(lows)
        widths = np.diff([*lows, highs[-1]])
        np.testing.assert_allclose(widths, widths[0], rtol=1e-6)
        assert lows[0] <= shown["mean"] <= highs[-1]
        for low, high, _n, link in rows:
            assert re.search(rf"low={low:.7g}&high={high:.7g}".replace("+", r"\+"),
                             link.replace("%2B", "+"))  # fmt: skip


def test_a_histogram_is_that_of_the_values_themselves(campaign: SimpleNamespace) -> None:
    series = Series.objects.filter(quantity__key="breakdown_voltage_v").order_by("-n")[0]
    rows = Measurement.objects.filter(quantity=series.quantity, channel__gte=0)
    values = np.array(rows.values_list("value", flat=True))
    shown = distribution_picture({"series": str(series.pk)})
    edges = [row[0] for row in shown["rows"]] + [shown["rows"][-1][1]]
    # A value on an edge may count on either side of it.
    slack = 1e-6 * (edges[1] - edges[0])
    below = [(values < edge - slack).sum() for edge in edges]
    most = [(values < edge + slack).sum() for edge in edges]
    counted = np.cumsum([0, *(row[2] for row in shown["rows"])])
    assert all(low <= n <= high for low, n, high in zip(below, counted, most, strict=True))
    assert counted[-1] == len(values)


def test_few_values_make_few_bins_and_a_far_one_widens_none(campaign: SimpleNamespace) -> None:
    series = Series.objects.filter(quantity__key="breakdown_voltage_v").order_by("-n")[0]
    bins = len(distribution_picture({"series": str(series.pk)})["rows"])
    assert bins <= math.ceil(2 * series.n ** (1 / 3)) + 1
    last = Bucket.objects.filter(series=series).order_by("-bucket")[0]
    Bucket.objects.create(series=series, bucket=last.bucket + 2000, n=1)
    Series.objects.filter(pk=series.pk).update(n=series.n + 1)
    wide = distribution_picture({"series": str(series.pk)})["rows"]
    assert len(wide) <= BINS + 1
    assert wide[-1][2] == 1
    assert sum(row[2] for row in wide) == series.n + 1


def test_of_no_series_the_largest_is_shown_and_of_none_nothing(campaign: SimpleNamespace) -> None:
    largest = max(series.n for series in Series.objects.all())
    for asked in ({}, {"series": "x"}, {"series": "0"}):
        assert distribution_picture(asked)["n"] == largest
    Series.objects.update(n=0)
    shown = distribution_picture({})
    assert (shown["chosen"], shown["choices"]) == (None, [])


def test_the_stage_with_most_devices_is_shown_where_none_is_asked_for(
    campaign: SimpleNamespace,
) -> None:
    asked = yield_picture({"stage": "pde"})
    for other in ({}, {"stage": "nothing"}):
        assert yield_picture(other)["chosen"] == "pde" == asked["chosen"]
    assert asked["judged"] == 4
    for which in ("first", "last"):
        one = asked[which]
        assert one["low"] <= one["percent"] <= one["high"]
        assert one["percent"] == pytest.approx(100 * one["passed"] / 4)


def test_a_funnel_counts_each_device_once_by_its_outcome(campaign: SimpleNamespace) -> None:
    (pde,) = (one for one in funnel(None) if one["key"] == "pde")
    assert pde["judged"] == 4
    outcomes = pde["passed"] + pde["failed"] + pde["incomplete"]
    assert outcomes == pde["judged"]
    assert pde["waits"] is None, "nobody waits where no campaign says its stages"
    assert pde["part"] == 0
    assert all(one["judged"] for one in funnel(None) if not one.get("hold"))
