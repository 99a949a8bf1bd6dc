"""What a fit said of itself, as people read it."""

from __future__ import annotations

import math
from types import SimpleNamespace
from urllib.parse import parse_qs

import pytest
from django.utils.translation import override

from mppcqa.results.fits import FitRecord, as_json, new_records, records_of, unpacked
from mppcqa.results.models import Analysis, FitRecords
from mppcqa.stages import Condition, Fit
from mppcqa.stages.fits import LIGHT_BY_ZERO
from mppcqa.views.fits import fit_lines, line_of_fit

AT = Condition(bias_v=71.6, overvoltage_v=1.6, temperature_c=20.0)


def fit(**more: object) -> Fit:
    usual: dict[str, object] = {
        "slot": 1, "channel": 3, "condition": AT, "chi2": 130.5, "ndf": 100,
        "p_value": 0.0218, "events": 49_990.0, "left_out": 10.0,
    }  # fmt: skip
    return Fit(**{**usual, **more})  # type: ignore[arg-type]


def record(**more: object) -> FitRecord:
    usual: dict[str, object] = {"channel": 3, "at": AT}
    return FitRecord(**{**usual, **more})  # type: ignore[arg-type]


def test_a_fit_comes_back_as_it_was_stored_and_nothing_for_what_is_no_number() -> None:
    ways = {LIGHT_BY_ZERO: (1.5, 0.01, 1.52, 0.012)}
    rows = as_json([
        fit(second_ways=ways, free=("noise in bursts",), seen=("noise in bursts",)),
        fit(channel=4, chi2=math.nan, p_value=math.nan, fault="no peaks"),
    ])  # fmt: skip
    row = new_records(Analysis(), 7, rows)
    first, second = records_of(row)
    assert (first.channel, first.at, first.chi2, first.ndf) == (3, AT, 130.5, 100)
    assert (first.events, first.left_out, first.p_value) == (49_990.0, 10.0, 0.0218)
    assert first.second_ways == ways
    assert (first.free, first.seen) == (("noise in bursts",), ("noise in bursts",))
    assert (second.chi2, second.p_value, second.fault) == (None, None, "no peaks")
    assert second.chi2_ndf is None
    assert first.chi2_ndf == pytest.approx(1.305)


def test_the_row_of_a_device_tells_its_worst_fit_and_how_many_gave_nothing() -> None:
    rows = as_json([
        fit(), fit(chi2=90.0, ndf=60, p_value=0.3), fit(chi2=math.nan, fault="no", p_value=math.nan)
    ])  # fmt: skip
    row = new_records(Analysis(), 7, rows)
    assert (row.fits, row.withheld) == (3, 1)
    assert row.lowest_p == 0.0218
    assert row.highest_chi2_ndf == pytest.approx(1.5)
    empty = new_records(Analysis(), 7, [])
    assert (empty.fits, empty.lowest_p, empty.highest_chi2_ndf) == (0, None, None)
    assert unpacked(empty) == []


def test_records_that_unpack_to_more_than_can_be_are_refused(
    campaign: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = new_records(Analysis.objects.get(), campaign.devices[0].pk, as_json([fit()] * 50))
    monkeypatch.setattr("mppcqa.results.fits.MOST_BYTES", 1000)
    with pytest.raises(ValueError, match="too long"):
        unpacked(row)


def test_what_a_later_program_wrote_beside_is_passed_over() -> None:
    row = new_records(Analysis(), 7, [{"channel": 1, "at": AT.text, "chi2": 2.0, "mood": "good"}])
    (found,) = records_of(row)
    assert (found.channel, found.chi2) == (1, 2.0)


def test_a_line_has_whole_events_and_a_dash_for_what_is_not_known() -> None:
    line = line_of_fit(record(chi2=130.46, ndf=100, p_value=0.02183, events=49990.4, left_out=9.6))
    assert (line.chi2_ndf, line.p_text) == ("130.5 / 100", "0.022")
    assert (line.events, line.left_out) == ("49990", "10")
    assert line.at == "71.6 V, 1.6 V over breakdown, 20 °C"
    assert (line.fault, line.cell) == ("", "")
    nothing = line_of_fit(record())
    assert (nothing.chi2_ndf, nothing.p_text, nothing.events, nothing.left_out) == ("—",) * 4
    assert not nothing.doubtful


@pytest.mark.parametrize(
    ("p_value", "doubtful"), [(0.00099, True), (0.001, False), (0.5, False), (None, False)]
)
def test_a_fit_that_one_good_one_of_a_thousand_would_be_is_doubtful(
    p_value: float | None, doubtful: bool
) -> None:
    assert line_of_fit(record(p_value=p_value)).doubtful is doubtful


@pytest.mark.parametrize(
    ("numbers", "doubtful"),
    [
        ((1.50, 0.01, 1.539, 0.01), False),
        ((1.50, 0.01, 1.541, 0.01), True),
        ((1.541, 0.01, 1.50, 0.01), True),
        # Four of the larger uncertainty.
        ((1.50, 0.001, 1.539, 0.01), False),
        ((1.50, 0.01, 1.539, 0.001), False),
        # What has no uncertainty says nothing of how far it is.
        ((1.50, 0.0, 2.50, 0.0), False),
    ],
)
def test_two_ways_of_a_value_that_are_four_uncertainties_apart_are_doubtful(
    numbers: tuple[float, float, float, float], doubtful: bool
) -> None:
    assert line_of_fit(record(second_ways={LIGHT_BY_ZERO: numbers})).doubtful is doubtful


def test_one_way_that_is_doubtful_is_enough_whatever_order_they_stand_in() -> None:
    far, near = (1.0, 0.01, 2.0, 0.01), (1.0, 0.01, 1.0, 0.01)
    for ways in ({"a": far, "b": near}, {"b": near, "a": far}):
        line = line_of_fit(record(second_ways=ways))
        assert line.doubtful
    assert line.second_ways == "b: 1.000 ± 0.010; 1.000 ± 0.010; a: 1.000 ± 0.010; 2.000 ± 0.010"


def test_what_was_freed_says_whether_the_data_show_it_in_the_readers_language() -> None:
    one = record(free=("noise in bursts", "light that varies"), seen=("noise in bursts",))
    assert line_of_fit(one).free == "noise in bursts (seen), light that varies"
    with override("es"):
        told = line_of_fit(one).free
    assert "noise" not in told
    assert told.count("(") == 1


def test_lines_of_a_device_stand_by_condition_then_channel_and_lead_to_their_spectra(
    campaign: SimpleNamespace,
) -> None:
    analysis = Analysis.objects.get()
    device = analysis.run_file.run.slots.get(slot=2).device
    warm = Condition(bias_v=71.0, temperature_c=25.0)
    rows = as_json([
        fit(channel=1, condition=warm),
        fit(channel=2, condition=AT),
        fit(channel=0, condition=AT),
    ])  # fmt: skip
    row = new_records(analysis, device.pk, rows)
    row.save()
    lines = fit_lines(FitRecords.objects.get(pk=row.pk))
    assert [(one.channel, "25" in one.at) for one in lines] == [(0, False), (2, False), (1, True)]
    asked = parse_qs(lines[0].cell)
    # What only follows from the bias was not set, and leads nowhere.
    assert asked == {
        "slot": ["2"], "channel": ["0"], "bias_v": ["71.6"], "temperature_c": ["20"]
    }  # fmt: skip
