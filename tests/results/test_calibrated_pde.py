"""A photodiode's calibration goes from the form to the PDE, its uncertainty and its reason."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mppcqa.results.calibrated import analysed
from mppcqa.results.ingest import store_analysis
from mppcqa.results.models import Measurement
from mppcqa.runs.actions import load_station, start_run
from mppcqa.runs.calibrating import (
    Found,
    InstrumentRefused,
    calibrate,
    calibrated_at,
    place,
    withdraw,
)
from mppcqa.runs.instruments import Calibration, Instrument
from mppcqa.runs.models import Run, RunFile, Station
from mppcqa.stages import get_stage
from mppcqa.statistics.repeats import Repeat, shared_of_difference
from tests.stages.test_photons import write

pytestmark = pytest.mark.django_db


def day(before: int) -> dt.date:
    return timezone.now().date() - dt.timedelta(days=before)


@pytest.fixture
def station(campaign: SimpleNamespace) -> Station:
    found: Station = campaign.stations[0]
    load_station(found, {2: campaign.devices[0].serial})
    return found


@pytest.fixture
def diode(station: Station) -> Instrument:
    made = Instrument.objects.create(name="PD-1", kind="photodiode", serial="S1337-7")
    place(made, station, day(400))
    geometry = Found(day(300), "us", quantity="geometry factor", points=((None, 0.1, 0.002),))
    calibrate(made, geometry)
    return made


def enter(client: Client, diode: Instrument, points: str, **more: Any) -> Any:
    """What a person types on the instrument's page."""
    form = {
        "done_on": str(day(200)), "done_by": "PTB", "valid_until": str(day(-165)),
        "quantity": "responsivity", "unit": "A/W", "against": "wavelength", "against_unit": "nm",
        "points": points,
    }  # fmt: skip
    return client.post(f"/instruments/{diode.pk}/calibrate/", form | more)


def result_of(run: Run, path: Path) -> Any:
    return analysed(get_stage("pde"), run, path, {})


def test_what_is_typed_is_in_the_pde_and_in_its_uncertainty(
    station: Station, diode: Instrument, operator: User, admin_client: Client, tmp_path: Path
) -> None:
    answer = enter(admin_client, diode, "405,0.200,0.004\n470,0.250,0.005")
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    run = start_run(station, by=operator)
    path = write(tmp_path / "run.root", started=timezone.now().isoformat())
    found = result_of(run, path)
    assert [one.what for one in found.problems if "PDE" in one.what] == []
    assert set(found.shared) == {
        f"responsivity: PD-1, {day(200)}", f"geometry factor: PD-1, {day(300)}",
        "photodiode current: PD-1, run 7", "wavelength: run 7",
    }  # fmt: skip
    file = RunFile.objects.create(file="x", sha256="0" * 64, size=1, run=run)
    slots = {row.slot: row.device_id for row in run.slots.all()}
    analysis = store_analysis(
        get_stage("pde"), file, slots, found.results, found.problems, shared=found.shared
    )
    rows = Measurement.objects.filter(analysis=analysis, quantity__key="pde")
    assert rows.count() == 4
    for row in rows:
        # 2 % of the responsivity and as much of the geometry are the least that all share.
        assert row.systematic > 0.99 * math.hypot(0.02, 0.02) * row.value
    page = admin_client.get(f"/devices/{run.slots.get().device.serial}/").content.decode()
    assert f"responsivity of PD-1, {day(200)} (2 %)" in page


def test_the_one_of_the_day_counts_and_without_one_there_is_no_pde(
    station: Station, diode: Instrument, operator: User, tmp_path: Path
) -> None:
    told: dict[str, Any] = {
        "quantity": "responsivity", "unit": "A/W", "against": "wavelength", "against_unit": "nm",
    }  # fmt: skip

    def known(before: int, ends: int | None, value: float) -> Calibration:
        until = None if ends is None else day(ends)
        points = ((400.0, value, 0.01), (480.0, value, 0.01))
        return calibrate(diode, Found(day(before), "PTB", until, **told, points=points))

    old, new = known(100, 50, 0.20), known(10, None, 0.30)
    run = start_run(station, by=operator, override="test")
    path = write(tmp_path / "run.root", started=timezone.now().isoformat())
    [response] = [one for one in calibrated_at(run) if one.quantity == "responsivity"]
    assert response == new.calibrated()
    # Withdrawn, it does not count, also for what was measured with it; the former has ended.
    withdraw(new, "wrong lamp", by=operator)
    found = result_of(run, path)
    assert not [one for one in found.results if one.quantity == "pde"]
    assert [one for one in found.results if one.quantity == "gain_adc"]
    [problem] = [one for one in found.problems if "PDE" in one.what]
    assert f"ended on {day(50)}" in problem.what
    # A run of then has it, although it was analysed today.
    Run.objects.filter(pk=run.pk).update(measured_at=timezone.now() - dt.timedelta(days=70))
    run.refresh_from_db()
    assert old.calibrated() in calibrated_at(run)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"unit": "V"}, "unit"),
        ({"against": "temperature"}, "against"),
        ({"against_unit": "m"}, "against_unit"),
        ({"points": ((405.0, 0.2, None), (470.0, 0.2, 0.01))}, "points"),
        ({"points": ((405.0, 0.0, 0.01), (470.0, 0.2, 0.01))}, "points"),
    ],
)
def test_what_no_analysis_could_take_is_refused_when_it_is_entered(
    diode: Instrument, changed: dict[str, Any], field: str
) -> None:
    told: dict[str, Any] = {
        "quantity": "Responsivity", "unit": "A/W", "against": "wavelength", "against_unit": "nm",
        "points": ((405.0, 0.2, 0.01), (470.0, 0.25, 0.01)),
    }  # fmt: skip
    with pytest.raises(InstrumentRefused) as caught:
        calibrate(diode, Found(day(3), "PTB", **told | changed))
    assert [one.field for one in caught.value.faults] == [field]


def test_stations_with_one_photodiode_differ_by_none_of_it() -> None:
    """Two devices at two stations: parts of one name cancel, those of two add in quadrature."""

    def at(station: int, diode: str) -> list[Repeat]:
        return [Repeat(n, station, 1, station * 10 + n, 0.25, 0.001, {diode: 0.01}) for n in (1, 2)]

    same = shared_of_difference([*at(1, "PD-1"), *at(2, "PD-1")], 1, 2)
    other = shared_of_difference([*at(1, "PD-1"), *at(2, "PD-2")], 1, 2)
    assert same == pytest.approx(0.0, abs=1e-15)
    assert other == pytest.approx(math.hypot(0.01, 0.01))
