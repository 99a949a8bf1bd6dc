"""Small inputs that once came in wrong or were refused, through the command line to the values.

The inputs lie beside the project (`cases/formats`, each with what right is in ``expected.txt``);
`tests/tables` has more of the same kinds, made there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from django.db import transaction

from mppcqa.cli import main
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.results.models import Analysis, Measurement
from mppcqa.runfile import RunFile as OpenRunFile
from mppcqa.runs.models import Run, RunFile

CHANNELS = 16


def command(*words: Any) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


@dataclass
class Outcome:
    """What the command said of one case, and the run it began."""

    said: Result
    folder: Path
    run: Run | None = None
    failure: str = ""

    @property
    def text(self) -> str:
        return self.said.output

    def values(self, quantity: str) -> dict[int, tuple[float, float]]:
        rows = Measurement.objects.filter(
            analysis__run_file__run=self.run, quantity__key=quantity
        ).values_list("channel", "value", "statistical")
        return {channel: (value, uncertainty) for channel, value, uncertainty in rows}

    def problems(self) -> str:
        return str([a.problems for a in Analysis.objects.filter(run_file__run=self.run)])

    def open(self) -> OpenRunFile:
        assert self.run is not None, self.text
        row = RunFile.objects.get(run=self.run, kind=RunFile.Kind.RUN)
        return OpenRunFile(Path(row.file.path))


def work_off(run: Run) -> str:
    """Run the routines of an import's tasks in this process, as a worker's child does."""
    from mppcqa.queue.context import Context
    from mppcqa.queue.logs import LogWriter, log_path
    from mppcqa.queue.models import State, Task
    from mppcqa.queue.registry import find

    for task in run.task_group.tasks.order_by("pk"):
        if task.name.startswith("reports."):
            continue
        found = find(task.name)
        assert found is not None
        log = LogWriter(log_path(task.pk, 1))
        try:
            found.function(Context(task, log), **task.arguments)
        except Exception as error:
            return f"{task.name}: {error!r}"
        finally:
            log.close()
        Task.objects.filter(pk=task.pk).update(state=State.SUCCEEDED)
    return ""


# Case -> more words of the command; files but map.json and expected.txt are what is imported.
FOREIGN: dict[str, list[str]] = {
    "bright_spectrum_pedestal_slips_one_peak": [],
    "compass_csv_hex_flags": [],
    "hera_supply_channel_in_use": [],
    "histogram_guessed_as_iv": [],
    "iv_dark_with_surface_leakage": [],
    "iv_long_format_channels_merged": [],
    "iv_many_current_columns": [],
    "iv_negative_polarity": [],
    "iv_pairs_in_one_line": ["--mapping", "IV curve: bias [V], current [A]"],
    "iv_time_taken_as_spread": [],
    "iv_unit_of_heading_ignored": [],
    "janus_list_csv_channels_merged": [],
    "janus_list_txt": [],
    "mixed_decimal_signs_factor_ten": [],
    "root_vector_waveforms_of_one_length": [],
    "spectrum_without_pedestal": [],
    "tektronix_csv_trailing_comma": [],
    "tektronix_vertical_units_mV": [],
    "trailing_remark_misleads": [],
    "wavedump_ascii_many_events": [],
}


@pytest.fixture(scope="module")
def outcomes(
    django_db_setup: None, django_db_blocker: Any, shared_data: Path, tmp_path_factory: Any
) -> Iterator[dict[str, Outcome]]:
    """Every case imported by the command, and its tasks worked off."""
    cases = shared_data.parent / "cases" / "formats"
    if not cases.is_dir():
        pytest.skip(f"no shared data at {cases}")
    # Undone at the end: a flush would take what migrations made from every test that follows.
    with django_db_blocker.unblock(), transaction.atomic():
        DeviceType.objects.create(name="S1", rows=4, columns=4, nominal_breakdown_v=52.0)
        names = [f"C-{n:02d}" for n, _case in enumerate(FOREIGN)]
        register_devices([{"serial": name, "device_type": "S1"} for name in names])
        done: dict[str, Outcome] = {}
        for (case, more), serial in zip(FOREIGN.items(), names, strict=True):
            folder = tmp_path_factory.mktemp(case)
            for path in (cases / case).iterdir():
                shutil.copyfile(path, folder / path.name)
            paths = [p for p in folder.iterdir() if p.name not in ("map.json", "expected.txt")]
            if (folder / "map.json").is_file():
                more = ["--mapping", str(folder / "map.json"), *more]
            before = set(Run.objects.values_list("pk", flat=True))
            said = command("import", "foreign", *paths, "--device", serial, "--no-wait", *more)
            run = Run.objects.exclude(pk__in=before).first()
            done[case] = Outcome(said, folder, run)
            if run is not None:
                done[case].failure = work_off(run)
        yield done
        transaction.set_rollback(True)


@pytest.fixture
def case(outcomes: dict[str, Outcome], db: None, request: pytest.FixtureRequest) -> Outcome:
    """The case that a test is called after."""
    found = outcomes[request.node.name.removeprefix("test_")]
    assert not found.failure, found.failure
    return found


def near(found: tuple[float, float], value: float, by: float) -> bool:
    return abs(found[0] - value) <= by


def test_bright_spectrum_pedestal_slips_one_peak(case: Outcome) -> None:
    found = case.values("mean_light_pe")
    assert near(found[0], 10, 0.3) if found else "peaks" in case.problems(), found


def test_compass_csv_hex_flags(case: Outcome) -> None:
    with case.open() as file:
        assert file.charges(0, 1).shape == (400, 1)
        assert file.charges(0, 1)[0, 0] == 115
    assert "FLAGS" in case.text


def test_hera_supply_channel_in_use(case: Outcome) -> None:
    with case.open() as file:
        assert file.conditions["bias_v"].tolist() == [54.3]
        assert file.conditions["temperature_c"].tolist() == [24.1]
    assert "channel 0" in case.text


def test_histogram_guessed_as_iv(case: Outcome) -> None:
    with case.open() as file:
        assert not file.has("iv")
        assert file.has("charge")


def test_iv_dark_with_surface_leakage(case: Outcome) -> None:
    """Within 0.2 V, or an uncertainty or a problem that covers the shift."""
    found = case.values("breakdown_iv_v")
    if found:
        value, error = found[0]
        assert abs(value - 50.4) < max(0.2, 3 * error), found
    else:
        assert "breakdown" in case.problems()


def test_iv_long_format_channels_merged(case: Outcome) -> None:
    found = case.values("breakdown_iv_v")
    assert set(found) == {0, 1, 2}
    for channel, value in ((0, 51.6), (1, 52.3), (2, 53.1)):
        assert near(found[channel], value, 0.2), (channel, found)


def test_iv_many_current_columns(case: Outcome) -> None:
    found = case.values("breakdown_iv_v")
    assert set(found) == {0, 1, 2}
    for channel, value in ((0, 52.3), (1, 52.5), (2, 52.7)):
        assert near(found[channel], value, 0.2), (channel, found)


def test_iv_negative_polarity(case: Outcome) -> None:
    assert near(case.values("breakdown_iv_v")[0], 52.3, 0.2)


def test_iv_pairs_in_one_line(case: Outcome) -> None:
    with case.open() as file:
        (curve,) = file.iv_curves(1)
        assert len(curve.voltage_v) == 81
    assert near(case.values("breakdown_iv_v")[0], 52.3, 0.2)


def test_iv_time_taken_as_spread(case: Outcome) -> None:
    with case.open() as file:
        (curve,) = file.iv_curves(1)
        assert curve.current_uncertainty_a is None or np.isnan(curve.current_uncertainty_a).all()
    assert "Time (s)" in case.text


def test_iv_unit_of_heading_ignored(case: Outcome) -> None:
    with case.open() as file:
        (curve,) = file.iv_curves(1)
        assert curve.current_a[-1] == pytest.approx(8.86225e-7)


def test_janus_list_csv_channels_merged(case: Outcome) -> None:
    with case.open() as file:
        charges = file.charges(0, 1)
        assert charges.shape == (300, 4)
        assert charges[0].tolist() == [42, 157, 115, 84]


def test_janus_list_txt(case: Outcome) -> None:
    with case.open() as file:
        charges = file.charges(0, 1)
        assert charges.shape == (300, 4)
        assert charges[0].tolist() == [73, 85, 112, 116]


def test_mixed_decimal_signs_factor_ten(case: Outcome) -> None:
    with case.open() as file:
        (curve,) = file.iv_curves(1)
        assert (curve.voltage_v[0], curve.voltage_v[-1]) == (49.0, 57.0)
        assert curve.current_a[-1] == pytest.approx(8.86225e-7)


def test_root_vector_waveforms_of_one_length(case: Outcome) -> None:
    with case.open() as file:
        assert file.waveforms(0, 1, 0).adc.shape == (50, 32)


def test_spectrum_without_pedestal(case: Outcome) -> None:
    """A self-triggered spectrum: gain, and neither light nor crosstalk by the wrong peak."""
    assert near(case.values("gain_adc")[0], 36.0, 0.36)
    light = case.values("mean_light_pe")
    assert near(light[0], 1.5, 0.05) if light else "pedestal" in case.problems(), light


def test_tektronix_csv_trailing_comma(case: Outcome) -> None:
    with case.open() as file:
        found = file.waveforms(0, 1, 0)
        assert found.adc.shape == (1, 200)
        assert found.sampling_s == pytest.approx(4e-10)


def test_tektronix_vertical_units_mV(case: Outcome) -> None:
    with case.open() as file:
        found = file.waveforms(0, 1, 0)
        volts = found.adc * np.asarray(found.scale_v).reshape(-1, 1)
        assert 0.01 < np.ptp(volts) < 0.1


def test_trailing_remark_misleads(case: Outcome) -> None:
    with case.open() as file:
        (curve,) = file.iv_curves(1)
        assert len(curve.voltage_v) == 21
    assert "# end of sweep" in case.text


def test_wavedump_ascii_many_events(case: Outcome) -> None:
    with case.open() as file:
        found = file.waveforms(0, 1, 0)
        assert found.adc.shape == (5, 40)
        assert found.adc[0][:3].tolist() == [8121, 8119, 8118]
