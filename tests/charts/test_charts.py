"""Charts render for the page, whatever the values."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mppcqa import charts
from mppcqa.charts import explore, spectra

POINTS = charts.Series("channel 0", [70.0, 71.0], [10.0, 20.0], [0.5, None])


def _all() -> dict:
    cells = {(r, c): 70 + r * 0.1 + c for r in range(4) for c in range(4)}
    return {
        "against": charts.against(
            [POINTS],
            title="Gain",
            x_title="Bias",
            x_unit="V",
            y_title="Gain",
            y_unit="ADC",
            line=(-690.0, 10.0),
            bands=[charts.Band(5.0, None), charts.Band(6.0, 25.0, at=71.0)],
        ),
        "channel_map": charts.channel_map(
            {**cells, (0, 0): None, (1, 1): math.nan}, rows=4, columns=4, title="V", unit="V"
        ),
        "tray_map": charts.tray_map(
            cells, rows=23, columns=20, title="T", unit="V", links={(0, 0): "/devices/a/"}
        ),
        "histogram": charts.histogram(
            [0, 1, 2], [3, 4], title="H", x_title="PDE", unit="%", mark=0.5
        ),
        "pie": charts.pie({"pass": 5, "warning": 0, "fail": 1}, title="Verdicts"),
        "yield_by_week": charts.yield_by_week(
            [charts.YieldPoint("2026-11-23", kind, 95.0, 93.0, 97.0, 40) for kind in "ab"],
            kinds=("a", "b"),
            x_title="Week",
            y_title="Yield [%]",
        ),
        "pareto": charts.pareto(
            [("gain", "fail", "falla", 4), ("pde", "incomplete", "falta", 1)],
            x_title="devices",
            outcomes={"fail": "falla", "incomplete": "falta"},
        ),
        "spectrum": charts.spectrum(
            [0, 1, 2], [10, 0], [9.0, 1.0], title="S", x_title="Charge", unit="ADC"
        ),
        **_explored(),
    }


def _explored() -> dict:
    """Charts of a run's raw data."""
    titles = {"x_title": "x", "y_title": "y"}
    return {
        "points_grid": explore.points_grid(
            ["A"], ["71 V", "72 V"], {(0, 0): 1.0}, links={(0, 0): "/runs/1/"},
            row_title="Device", column_title="Point", unit="V",
        ),
        "with_lines": explore.with_lines(
            [POINTS, charts.Series("none", [], [], [])],
            [explore.StraightLine(-690.0, 10.0), None],
            **titles, x_unit="V", y_unit="ADC", to_zero=True,
        ),
        "charge_spectrum": spectra.charge_spectrum(
            [0.0, 1.0], {"light": ([3, 0], [2.9, None]), "dark": ([5, 1], None)},
            **titles, unit="ADC", peaks=[(0, 0.1), (1, 0.9)],
        ),
        "residuals": spectra.residuals(
            [0.0, 1.0], {"light": ([30, 0], [28.0, None]), "dark": ([5, 1], None)},
            **titles, unit="ADC",
        ),
        "trace": explore.trace([0.0, 2.0], [0.1, 0.2], **titles, unit="mV"),
        "persistence": explore.persistence(
            [[1, 0], [3, 2]], [0, 2, 4], [0.0, 0.1, 0.2], **titles, unit="mV", n_title="samples"
        ),
        "iv_curve": explore.iv_curve(
            {"a": ([70, 71, 72], [1e-9, 0, 1e-6]), "b": ([70], [1e-8])}, [70.5], **titles
        ),
        "over_time": explore.over_time(
            {"box": ([0, 1], [20.0, math.nan])}, **titles, unit="degC"
        ),
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(_all()))
def test_every_chart_renders_for_the_page(name: str) -> None:
    chart = _all()[name]
    spec = json.loads(charts.in_script(charts.to_spec(chart)), parse_constant=pytest.fail)
    assert spec["$schema"].startswith("https://vega.github.io/")
    assert charts.to_svg(chart).startswith("<svg")


@settings(max_examples=20)
@given(st.text(max_size=40))
def test_no_text_ends_the_script_element_that_holds_a_chart(text: str) -> None:
    chart = charts.pie({f"</script>{text}": 1.0}, title=text)
    encoded = charts.in_script(charts.to_spec(chart))
    assert "<" not in encoded
    assert json.loads(encoded)["title"] == text


def test_a_chart_without_values_still_renders() -> None:
    empty = charts.against(
        [], title="", x_title="", x_unit="", y_title="", y_unit="", line=(1.0, 1.0)
    )
    assert charts.to_svg(empty).startswith("<svg")
    assert charts.to_svg(charts.channel_map({}, rows=2, columns=2, title="", unit=""))


@pytest.mark.parametrize("name", sorted(_all()))
def test_every_definition_is_valid(name: str) -> None:
    """Checked here because the charts themselves are made without Altair's checks."""
    import altair as alt

    alt.Chart.from_dict(charts.to_spec(_all()[name]), validate=True)


def test_histograms_share_a_shape_and_keep_their_own_words() -> None:
    one, two = (
        charts.in_script(
            charts.to_spec(
                charts.histogram([0, 1, 2], [3, 4], title=title, x_title=what, unit="V", y_title=n)
            )
        )
        for title, what, n in (("First", "gain", "values"), ("", "crosstalk", "devices"))
    )
    for word in ("First", "gain [V]", "values"):
        assert f'"{word}"' in one
        assert f'"{word}"' not in two
    assert '"crosstalk [V]"' in two
    assert "\\u0000" not in one + two
