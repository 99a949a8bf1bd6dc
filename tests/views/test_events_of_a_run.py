"""What lies in a run file at a device, channel and point: read without the rest of the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from mppcqa.results.models import ConditionPoint
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runfile import RunFileError, RunWriter
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Condition
from mppcqa.views import cells
from mppcqa.views.cells import Point, Waveforms
from tests.runfile.make import META, curve, shapes, write_everything


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenRunFile]:
    path = write_everything(tmp_path_factory.mktemp("run") / "run.root")
    with OpenRunFile(path) as opened:
        yield opened


@pytest.fixture(scope="module")
def points(run: OpenRunFile) -> list[Point]:
    return cells.points_of(run)


def test_points_stand_by_their_axes_whatever_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.root"
    with RunWriter(path, META) as writer:
        for number, bias, warm in ((7, 72.0, 20.0), (2, 71.0, 25.0), (9, 71.0, 20.0)):
            writer.point(number, bias_v=bias, temperature_c=warm, light=1.0)
    with OpenRunFile(path) as opened:
        found = cells.points_of(opened)
    assert [one.number for one in found] == [9, 7, 2]
    assert found[0].text == "71 V, 20 °C, light 1"


def test_a_condition_finds_its_point_in_spite_of_its_last_digits(points: list[Point]) -> None:
    def at(**axes: float) -> Any:
        return cells.point_at(points, ConditionPoint(at=Condition(axes)))

    assert at(bias_v=71.0, temperature_c=20.5, light=1.0).number == 1
    assert at(bias_v=71.0001, temperature_c=20.5, light=1.0).number == 1
    assert at(bias_v=71.01, temperature_c=20.5, light=1.0) is None
    # Of fewer axes the first that agrees; what only follows from the bias says nothing more.
    assert at(temperature_c=20.5).number == 0
    assert at(bias_v=74.0, overvoltage_v=1.0).number == 4
    # An axis that the file does not know can't disagree.
    assert at(bias_v=74.0, wavelength_nm=405.0).number == 4
    assert at(bias_v=75.0) is None


def test_zero_agrees_with_zero_alone() -> None:
    dark = Condition(light=0.0)
    assert cells.agrees(dark, Condition(light=0.0))
    assert not cells.agrees(dark, Condition(light=0.001))
    assert not cells.agrees(Condition(light=1.0), Condition(light=0.0))


def test_the_dark_belongs_to_the_light_at_the_same_setting() -> None:
    lit, dark, elsewhere = (
        Point(n, Condition(bias_v=bias, light=light))
        for n, (bias, light) in enumerate([(71.0, 1.0), (71.0, 0.0), (72.0, 0.0)])
    )
    there = [dark, elsewhere, lit]
    assert cells.without_source(there, lit) == [lit, dark]
    assert cells.without_source(there, dark) == [dark, lit]
    assert cells.without_source(there, elsewhere) == [elsewhere]


def test_columns_are_the_channels_in_order_unless_the_file_numbers_them() -> None:
    assert cells.columns_of({"channels": 4}) == [0, 1, 2, 3]
    assert cells.columns_of({"channels": 2, "channel_numbers": [7, 3]}) == [7, 3]


def test_waveforms_are_in_volts_and_begin_where_was_asked(
    run: OpenRunFile, points: list[Point]
) -> None:
    point = next(one for one in points if one.number == 1)
    found = cells.waveforms(run, 3, 2, point, first=2, count=3)
    assert found is not None
    assert (found.total, found.unit) == (7, "V")
    assert found.sample_s == pytest.approx(2e-9)
    expected = shapes(1, 3, 2)[2:5] * 2e-4 + 0.01
    assert np.asarray(found.samples) == pytest.approx(expected, abs=1e-6)
    assert cells.waveforms(run, 3, 1, point) is None
    many = cells.many_waveforms(run, 3, 2, point)
    assert many is not None
    assert len(many.samples) == 7


def test_a_density_takes_as_many_waveforms_as_its_samples_allow(
    run: OpenRunFile, points: list[Point], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cells, "MOST_SAMPLES", 3 * 50)
    few = cells.many_waveforms(run, 1, 0, points[0])
    assert few is not None
    assert (len(few.samples), few.total) == (3, 7)
    monkeypatch.setattr(cells, "MOST_SAMPLES", 10)
    one = cells.many_waveforms(run, 1, 0, points[0])
    assert one is not None
    assert len(one.samples) == 1, "one is shown, however long it is"


def test_a_density_counts_every_sample_once() -> None:
    samples = np.random.default_rng(3).normal(0, 0.01, (40, 50))
    counts, times, signal = cells.persistence(Waveforms(40, 2e-9, samples), columns=7, rows=11)
    assert counts.shape == (7, 11)
    assert counts.sum() == samples.size
    assert (times[0], times[-1]) == (0.0, pytest.approx(100.0)), "nanoseconds"
    assert (len(times), len(signal)) == (8, 12)
    assert (signal[0], signal[-1]) == (samples.min(), samples.max())
    first = samples[:, : round(times[1] / 2)]
    assert counts[0].tolist() == np.histogram(first, signal)[0].tolist()


def test_a_density_has_no_more_columns_than_samples_and_stands_a_flat_line() -> None:
    flat = np.full((3, 5), 0.25)
    counts, times, signal = cells.persistence(Waveforms(3, 1e-9, flat))
    assert counts.shape == (5, 80)
    assert times.tolist() == pytest.approx([0, 1, 2, 3, 4, 5])
    assert counts.sum() == 15
    assert (signal[0], signal[-1]) == (0.25, 1.25)


def test_currents_are_those_of_the_channel_and_of_the_whole_device(
    run: OpenRunFile, points: list[Point]
) -> None:
    found = cells.currents(run, 3, 3, points[0])
    assert len(found) == 2
    volts, amperes = curve(3, 3)
    assert any(
        np.asarray(one.current_a) == pytest.approx(amperes, rel=1e-6)
        and np.asarray(one.voltage_v) == pytest.approx(volts)
        for one in found
    )
    assert all(one.name.endswith("20.5 °C") for one in found)
    assert len(cells.currents(run, 3, 1, points[0])) == 1


def test_sensors_are_read_with_their_units_and_thinned_to_what_a_chart_shows(
    run: OpenRunFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    box, supply = cells.monitored(run)
    assert (box.name, box.unit) == ("box temperature", "degC")
    assert box.time_s.tolist() == [0.0, 60.0, 240.0]
    assert box.value.tolist() == pytest.approx([20.0, 20.1, 20.4])
    assert (supply.unit, len(supply.value)) == ("V", 6)
    monkeypatch.setattr(cells, "MOST_READINGS", 3)
    assert [len(one.time_s) for one in cells.monitored(run)] == [3, 3]
    assert cells.monitored(run)[1].time_s.tolist() == [1.0, 61.0, 241.0]


def test_the_newest_run_file_of_a_run_is_looked_at_and_one_that_is_none_is_refused(
    campaign: SimpleNamespace,
) -> None:
    (former,) = RunFile.objects.filter(run=campaign.run)
    copy = RunFile.objects.create(
        run=campaign.run,
        file=former.file,
        sha256="0" * 64,
        size=former.size,
        original_name="a table",
        kind=next(kind for kind in RunFile.Kind.values if kind != RunFile.Kind.RUN),
    )
    assert cells.run_file_of(campaign.run) == former
    RunFile.objects.filter(pk=copy.pk).update(kind=RunFile.Kind.RUN)
    assert cells.run_file_of(campaign.run) == copy
    with pytest.raises(RunFileError), cells.open_run(copy):
        pass
    assert cells.run_file_of(Run.objects.create(stage="pde", parameters={})) is None
