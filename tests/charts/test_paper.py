"""Charts drawn for print, read as a reader does: the words that stand on the page."""

from __future__ import annotations

import io
import math
import random
from itertools import pairwise

import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reportlab.pdfgen.canvas import Canvas

from mppcqa import charts
from mppcqa.charts.paper import Figure, figure
from mppcqa.charts.paper.ticks import linear, logarithmic, marked
from tests.reports.pages import faults, open_pages

WORDS = {"title": "Gain", "x_title": "Bias", "x_unit": "V", "y_title": "Gain", "y_unit": ""}


def on_page(*figures: Figure) -> bytes:
    """The figures below each other on a page that is large enough."""
    wide = max(one.width for one in figures)
    high = sum(one.height + 12 for one in figures)
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(wide + 24, high + 24), invariant=1, initialFontName="Vera")
    y = high + 12
    for one in figures:
        one.wrapOn(canvas, wide, high)
        one.drawOn(canvas, 12, y - one.height)
        y -= one.height + 12
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def text_of(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    page = document[0].get_textpage()
    text: str = page.get_text_range()
    page.close()
    document.close()
    return text


def lines(channels: int, groups: tuple[str, ...] = ("",), apart: float = 0.5) -> list:
    chance = random.Random(1)  # noqa: S311
    return [
        charts.Series(
            f"{channel}, {group}" if group else str(channel),
            [70.5, 71.0, 71.5, 72.0],
            [1.1e6 * (bias + apart * channel * chance.random()) for bias in (2.5, 3, 3.5, 4)],
            [2e4, None, math.nan, 3e4],
            group,
            str(channel),
        )
        for group in groups
        for channel in range(channels)
    ]


def test_every_channel_is_named_and_every_axis_has_round_ticks_and_a_unit() -> None:
    for channels, apart in ((1, 0.5), (4, 0.5), (4, 0.01), (16, 0.01)):
        data = on_page(figure(charts.against(lines(channels, apart=apart), **WORDS)))
        assert faults(data, smallest=7.0) == []
        text = text_of(data)
        assert "Bias [V]" in text
        assert "Gain [10⁶]" in text
        assert "71" in text
        if channels > 1:
            assert set(map(str, range(channels))) <= set(text.split())


@pytest.mark.parametrize("biases", [[71.8, 72.4], [0.0, 1.0], [1e-7, 2e-7], [-1234.5, 1234.5]])
def test_labels_of_neighbouring_panels_do_not_touch(biases: list[float]) -> None:
    for channels in (4, 16, 32):
        series = [
            charts.Series(str(n), biases, [1.0, 1.0001 + n * 1e-6], [None, None], "", str(n))
            for n in range(channels)
        ]
        data = on_page(figure(charts.against(series, **WORDS)))
        assert faults(data, smallest=7.0) == []


def test_settings_of_sixteen_channels_have_a_key() -> None:
    data = on_page(figure(charts.against(lines(16, ("15 °C", "25 °C")), **WORDS)))
    assert faults(data, smallest=7.0) == []
    assert "15 °C" in text_of(data)
    assert "25 °C" in text_of(data)


def test_of_very_many_channels_the_outermost_are_named() -> None:
    series = lines(128, apart=0.0)
    high = charts.Series("77", series[0].x, [2 * y for y in series[0].y], [0.0] * 4, "", "77")
    series[77] = high
    data = on_page(figure(charts.against(series, **WORDS)))
    assert faults(data, smallest=7.0) == []
    assert "77" in text_of(data).split()


def test_a_limit_far_outside_is_named_with_an_arrow() -> None:
    bands = [charts.Band(3e6, 9e9), charts.Band(2.5e6, None, at=71.0)]
    data = on_page(figure(charts.against(lines(4), **WORDS, bands=bands)))
    assert "↑ ≤ 9000000000" in text_of(data)
    assert "2500000" not in text_of(data)  # drawn in the frame


def test_cells_have_their_numbers_where_these_fit_and_a_scale_where_not() -> None:
    for rows, columns in ((4, 4), (8, 16), (1, 128), (23, 20)):
        places = [(row, column) for row in range(rows) for column in range(columns)]
        values = {place: 70 + n / 100 for n, place in enumerate(places) if n != 1}
        labels = {place: str(n) for n, place in enumerate(places)}
        plot = charts.channel_map(
            values, rows=rows, columns=columns, title="Map", unit="V", labels=labels
        )
        data = on_page(figure(plot))
        assert faults(data, smallest=7.0) == []
        text = text_of(data)
        assert "[V]" in text
        assert "70.0" in text
        assert any(one.startswith("70.05") for one in text.split()) is (columns <= 16)


@pytest.mark.parametrize("number", ["", "0", "-1.5e-7", "1e300"])
def test_charts_without_values_or_with_one(number: str) -> None:
    values = [float(number)] if number else []
    one = charts.Series("0", [70.0] * len(values), values, [0.0] * len(values))
    data = on_page(
        figure(charts.against([one], **WORDS)),
        figure(charts.channel_map(dict.fromkeys([(0, 0)], *values or [None]), rows=1, columns=1,
                                  title="", unit="V")),
        figure(charts.histogram([0, 1], [0], title="", x_title="x", unit="V")),
    )  # fmt: skip
    assert faults(data, smallest=7.0) == []


def test_a_histogram_and_a_spectrum() -> None:
    counts = [0, 3, 40, 1000, 12, 1]
    edges = [70 + n / 10 for n in range(7)]
    data = on_page(
        figure(charts.histogram(edges, counts, title="H", x_title="Breakdown", unit="V", mark=70.2,
                                band=charts.Band(70.1, 70.4))),
        figure(charts.spectrum(edges, counts, counts, title="S", x_title="Charge", unit="ADC")),
    )  # fmt: skip
    assert faults(data, smallest=7.0) == []
    assert {"10⁰", "10¹", "10²", "10³"} <= set(text_of(data).split())


def test_words_of_three_hundred_letters_and_of_other_scripts_stay_inside() -> None:
    words = {"title": "T" * 300, "x_title": "浜松 " * 60, "x_unit": "V", "y_title": "y " * 150,
             "y_unit": "u" * 200}  # fmt: skip
    series = [charts.Series(f"{n}" * 300, [70.0, 71], [1.0 + n, 2 + n], [0, 0]) for n in (1, 2)]
    data = on_page(figure(charts.against(series, **words)))
    assert faults(data, smallest=7.0) == []
    assert "‹U+6D5C›" in "".join(text_of(data).split())


@settings(max_examples=200)
@given(
    st.floats(-1e12, 1e12), st.floats(1e-9, 1e12), st.integers(2, 8)
)  # fmt: skip
def test_ticks_are_round_apart_and_inside(low: float, span: float, most: int) -> None:
    high = low + max(span, abs(low) * 1e-6)
    found = linear(low, high, most)
    step = found.values[1] - found.values[0]
    assert f"{step:.3e}"[:5] in ("1.000", "2.000", "5.000", "9.999")
    assert 2 <= len(found.values) <= max(most + 1, 5)
    assert all(low - step * 1e-6 <= one <= high + step * 1e-6 for one in found.values)
    assert len(set(found.labels)) == len(found.labels)
    for value, label in zip(found.values, found.labels, strict=True):
        said = float(label.replace("−", "-")) * 10.0**found.power
        assert said == pytest.approx(value, abs=step * 1e-3)
    for before, after in pairwise(found.values):
        assert after - before == pytest.approx(step, rel=1e-2)


def test_powers_of_ten() -> None:
    assert logarithmic(0.5, 2000, 6).labels == ("10⁰", "10¹", "10²", "10³")
    assert logarithmic(1e-12, 1e-3, 4).labels[:2] == ("10⁻¹²", "10⁻⁹")
    assert marked([0, 5e5, 1e6], 5e5).title("Rate", "Hz") == "Rate [10⁶ Hz]"
    assert marked([0, 5e5, 1e6], 5e5).labels == ("0.0", "0.5", "1.0")
    assert marked([-0.0002, 0.0, 0.0002], 0.0002).labels == ("−200", "0", "200")


def test_the_same_chart_is_the_same_bytes() -> None:
    first, second = (on_page(figure(charts.against(lines(16), **WORDS))) for _again in range(2))
    assert first == second
    assert open_pages(first)[0].texts
