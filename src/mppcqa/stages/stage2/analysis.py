"""From a run file of Stage 2 to values: spectra, waveforms, IV curves, temperature coefficients."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from mppcqa.physics import LineError, fit_line
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import biases, condition_of, pulse_of
from mppcqa.stages.calibrations import Calibrated
from mppcqa.stages.common import COEFFICIENT
from mppcqa.stages.fitting import SpectraOf, fitting_of
from mppcqa.stages.photons import reference_of
from mppcqa.stages.protocol import AnalysisResult, Problem, Result
from mppcqa.stages.stage2 import currents, staircases, waveforms
from mppcqa.stages.stage2 import spectra as charges
from mppcqa.stages.stage2.currents import analyse_currents
from mppcqa.stages.stage2.spectra import (
    analyse_device,
    breakdowns,
    fit_spectra_of,
)
from mppcqa.stages.stage2.staircases import analyse_staircases
from mppcqa.stages.stage2.waveforms import measure_waveforms, seen_pulse, waveform_results

COEFFICIENT_IV = replace(
    COEFFICIENT,
    key="breakdown_iv_coefficient_v_per_c",
    title="Temperature coefficient of the breakdown voltage from IV",
    symbol="dV_br,IV/dT",
)
QUANTITIES = (
    *charges.QUANTITIES,
    *waveforms.QUANTITIES,
    *staircases.QUANTITIES,
    *currents.QUANTITIES,
    replace(COEFFICIENT, headline=True),
    COEFFICIENT_IV,
    *charges.LAST,
)
"""Each is declared where it comes from."""
COEFFICIENTS = {
    "breakdown_voltage_v": "breakdown_coefficient_v_per_c",
    "breakdown_iv_v": "breakdown_iv_coefficient_v_per_c",
}


def analyse(
    path: Path, settings: Mapping[str, Any], calibrations: Sequence[Calibrated] = ()
) -> AnalysisResult:
    """Everything that the file allows: what it does not hold gives no value and no fault.

    settings
        ``bias_from_v``, ``bias_to_v`` (points outside are left out), ``iv_method`` (one of
        `mppcqa.physics.IV_METHODS`), ``waveforms`` (false leaves them out) and those of
        `mppcqa.stages.fitting`.
    calibrations
        Those of the run's instruments, see `mppcqa.stages.photons`.
    """
    done = AnalysisResult(results=[])
    with RunFile(path) as run:
        reference = reference_of(run, calibrations)
        points = list(biases(run, settings["bias_from_v"], settings["bias_to_v"]))
        for row in run.slots:
            slot = row["slot"]
            channels = row["channels"] if settings["waveforms"] else 0
            waveforms = measure_waveforms(run, slot, channels, points)
            fitted = fit_spectra_of(run, slot, points, seen_pulse(waveforms), fitting_of(settings))
            found = AnalysisResult(results=[])
            breakdown = breakdowns(slot, fitted, found)
            conditions = {one: condition_of(one, breakdown) for one in points}
            for part in (
                analyse_device(run, slot, fitted, reference, breakdown),
                waveform_results(slot, waveforms, conditions),
                analyse_staircases(run, slot, conditions),
                analyse_currents(
                    run, slot, row.get("pixels", run.meta.get("pixels")), settings["iv_method"]
                ),
            ):
                found.results.extend(part.results)
                found.problems.extend(part.problems)
                found.fits.extend(part.fits)
            coefficients = temperature_coefficients(found.results)
            done.results.extend(found.results + coefficients.results)
            done.problems.extend(found.problems + coefficients.problems)
            done.fits.extend(found.fits)
        numbers = {row["slot"]: row.get("channel_numbers") for row in run.slots}
    if reference is not None:
        done.problems.extend(reference.problems)
        done.shared.update(reference.shared)
    return _renumbered(done, numbers)


def spectra(run: RunFile, slot: int) -> SpectraOf:
    """How spectra of a device are read; its pulse from its waveforms where the file says none."""
    seen = None
    if not run.meta.get("decay_s"):
        channels = next(row["channels"] for row in run.slots if row["slot"] == slot)
        seen = seen_pulse(measure_waveforms(run, slot, channels, list(biases(run))))
    values = partial(charges.values_of, reference_of(run), run.meta.get("gate_s"), slot=slot)
    return SpectraOf(pulse=pulse_of(run, seen), values=values)


def temperature_coefficients(results: list[Result]) -> AnalysisResult:
    """Straight lines of breakdown voltages against temperature, where there are two or more."""
    done = AnalysisResult(results=[])
    lines: dict[tuple[int, int | None, str, float], list[Result]] = defaultdict(list)
    for result in results:
        if result.quantity in COEFFICIENTS:
            light = result.condition.get("light", 0.0)
            lines[result.slot, result.channel, result.quantity, light].append(result)
    # Curves under light and in the dark are not mixed; those under light are the better ones.
    rows: dict[tuple[int, int | None, str], list[Result]] = {}
    for (slot, channel, quantity, _light), found in sorted(
        lines.items(), key=lambda pair: pair[0][3]
    ):
        if len({one.condition.get("temperature_c") for one in found}) > 1:
            rows[slot, channel, quantity] = found
    for (slot, channel, quantity), found in rows.items():
        try:
            line = fit_line(
                [one.condition.get("temperature_c", 0.0) for one in found],
                [one.value for one in found],
                [math.hypot(one.uncertainty, one.systematic) for one in found],
            )
        except LineError as error:
            what = f"no temperature coefficient: {error}"
            done.problems.append(Problem(slot=slot, channel=channel, what=what))
            continue
        done.results.append(
            Result(
                slot=slot,
                channel=channel,
                quantity=COEFFICIENTS[quantity],
                value=line.slope,
                uncertainty=line.slope_error,
                method="straight line through the temperatures",
            )
        )
    return done


def _renumbered(done: AnalysisResult, channels: dict[int, list[int] | None]) -> AnalysisResult:
    """Columns of a file that holds some channels only, as the device's own channels."""

    def own(one: Any) -> Any:
        numbers = channels.get(one.slot)
        if not numbers or one.channel is None:
            return one
        return replace(one, channel=numbers[one.channel])

    return replace(
        done,
        results=[own(one) for one in done.results],
        problems=[own(one) for one in done.problems],
        fits=[own(one) for one in done.fits],
    )
