"""What a run file's charges say of its light reaches the fits of its spectra."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mppcqa.physics import LIGHT_MAY_VARY, PulseShape, simulate_charges
from mppcqa.runfile import RunFile, RunWriter
from mppcqa.stages.analysis import biases, fit_points
from mppcqa.stages.light import varies

META = {
    "run": 1,
    "stage": "stage2",
    "station": "s",
    "operator": "ana",
    "program": "test 1",
    "started": "2026-01-01T00:00:00Z",
}
PULSE = PulseShape(decay_per_gate=0.1, rise_per_gate=0.015)


def write(path: Path, charges: dict[float, np.ndarray], **more: Any) -> Path:
    """A run of one slot; charges (events, channels) by setting of the light."""
    channels = next(iter(charges.values())).shape[1]
    slots = [{"slot": 0, "serial": "A-1", "channels": channels}]
    with RunWriter(path, {**META, "slots": slots, **more}) as writer:
        for number, (light, some) in enumerate(charges.items()):
            writer.point(number, bias_v=71.0, temperature_c=20.0, light=light)
            writer.charges(number, 0, some)
    return path


@pytest.mark.parametrize("dark", [True, False])
def test_channels_of_a_run_tell_their_fits_how_the_light_varies(tmp_path: Path, dark: bool) -> None:
    """Eight channels of 6,000 pulses that do not vary: the light's variance is known to a fifth of
    what it is without, with a dark run and without one; each channel by itself knows nothing."""
    rng = np.random.default_rng(80)
    charges = {
        setting: np.stack([
            simulate_charges(
                rng, 6000, mean_light_pe=2.0 * setting, gain=40.0, pedestal=100.0,
                pedestal_width=4.0, pe_width=2.5, crosstalk_probability=0.1,
                dark_counts_per_gate=0.02, pulse=PULSE,
            )
            for _ in range(8)
        ], axis=1)
        for setting in ([0.0, 1.0] if dark else [1.0])
    }  # fmt: skip
    found = []
    for name, more in (("together", {"pixels": 3600}), ("own", {"own_triggers": True})):
        path = write(tmp_path / f"{name}.root", charges, **more)
        with RunFile(path) as run:
            (fits,) = fit_points(run, list(biases(run)), 0, PULSE)
        assert not fits.status.any()
        found.append(fits)
    together, own = (fits.trouble_errors[:, 2] for fits in found)
    assert (together < LIGHT_MAY_VARY / 5).all()
    assert (own > 2 * together).all()
    light, error = found[0].get("mean_light_pe")
    assert (np.abs(light - 2.0) / error).max() < 5
    assert (error < found[1].get("mean_light_pe")[1]).all()


def test_few_pixels_and_channels_that_trigger_by_themselves(tmp_path: Path) -> None:
    """The pixels that fired vary by one over their number less than the light; rows that are no
    common triggers tell nothing."""
    rng = np.random.default_rng(81)
    charges = {1.0: 40.0 * rng.poisson(2.0, (5000, 4)) + rng.standard_normal((5000, 4))}
    none = np.zeros(4)
    known = {}
    for name, more in (
        ("few", {"pixels": 100}),
        ("not told", {}),
        ("own", {"own_triggers": True}),
    ):
        with RunFile(write(tmp_path / f"{name}.root", charges, **more)) as run:
            known[name] = varies(run, 0, run.charges(0, 0), pedestals=none)
    assert known["own"].tolist() == [0.0, LIGHT_MAY_VARY]
    assert known["few"][0] - known["not told"][0] == pytest.approx(-0.01 + 5e-4)
    assert 0.0025 < known["not told"][1] < known["few"][1] < 0.02
