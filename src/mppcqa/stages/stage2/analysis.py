"""From a run file of Stage 2 to values: spectra, waveforms, IV curves, temperature coefficients."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mppcqa.physics import IV_METHODS, LineError, fit_line
from mppcqa.runfile import RunFile, RunFileError
from mppcqa.stages.analysis import biases
from mppcqa.stages.protocol import AnalysisResult, Problem, Result
from mppcqa.stages.stage2.currents import analyse_currents
from mppcqa.stages.stage2.spectra import (
    analyse_device,
    breakdowns,
    condition_of,
    fit_spectra_of,
)
from mppcqa.stages.stage2.waveforms import analyse_waveforms

COEFFICIENTS = {
    "breakdown_voltage_v": "breakdown_coefficient_v_per_c",
    "breakdown_iv_v": "breakdown_iv_coefficient_v_per_c",
}


@dataclass(frozen=True)
class Settings:
    """What a person may choose when a run is analysed anew."""

    low: float = -math.inf
    high: float = math.inf
    iv_method: str = IV_METHODS[0]
    waveforms: bool = True

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Settings:
        """Checked settings; `RunFileError` names what there is not."""
        known = ("bias_from_v", "bias_to_v", "iv_method", "waveforms")
        if unknown := [key for key in given if key not in known]:
            raise RunFileError(f"no settings {', '.join(unknown)}; there are {', '.join(known)}")
        method = given.get("iv_method", IV_METHODS[0])
        if method not in IV_METHODS:
            raise RunFileError(f"iv_method {method!r} is none of {', '.join(IV_METHODS)}")
        try:
            low = float(given.get("bias_from_v", -math.inf))
            high = float(given.get("bias_to_v", math.inf))
        except (TypeError, ValueError):
            raise RunFileError("bias_from_v and bias_to_v must be numbers of volts") from None
        return cls(low, high, method, bool(given.get("waveforms", True)))


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Everything that the file allows: what it does not hold gives no value and no fault.

    settings
        Any of ``bias_from_v``, ``bias_to_v`` (points outside are left out), ``iv_method`` (one of
        `mppcqa.physics.IV_METHODS`) and ``waveforms`` (false leaves them out).
    """
    chosen = Settings.of(settings)
    done = AnalysisResult(results=[])
    with RunFile(path) as run:
        reference = photons_of(run.meta)
        points = [one for one in biases(run) if chosen.low <= one.bias_v <= chosen.high]
        for row in run.slots:
            slot = row["slot"]
            fitted = fit_spectra_of(run, slot, points)
            found = AnalysisResult(results=[])
            breakdown = dict(breakdowns(slot, fitted, found))
            conditions = {bias: condition_of(bias, breakdown) for bias in points}
            for part in (
                analyse_device(run, slot, fitted, reference, breakdown),
                analyse_waveforms(
                    run, slot, row["channels"] if chosen.waveforms else 0, points, conditions
                ),
                analyse_currents(
                    run, slot, row.get("pixels", run.meta.get("pixels")), chosen.iv_method
                ),
            ):
                found.results.extend(part.results)
                found.problems.extend(part.problems)
            coefficients = temperature_coefficients(found.results)
            done.results.extend(found.results + coefficients.results)
            done.problems.extend(found.problems + coefficients.problems)
        channels = {row["slot"]: row.get("channel_numbers") for row in run.slots}
    return _renumbered(done, channels)


def photons_of(meta: Mapping[str, Any]) -> dict[str, float] | None:
    """Photons a pulse at light setting 1 and their uncertainty; None where nothing says them."""
    given = meta.get("reference", {})
    try:
        factor = float(given["position_factor"])
        return {
            "photons": float(given["photons_per_pulse"]) * factor,
            "uncertainty": float(given["photons_per_pulse_uncertainty"]) * factor,
        }
    except (KeyError, TypeError, ValueError):
        return None


def temperature_coefficients(results: list[Result]) -> AnalysisResult:
    """Straight lines of breakdown voltages against temperature, where there are two or more."""
    done = AnalysisResult(results=[])
    lines: dict[tuple[int, int | None, str, float], list[Result]] = defaultdict(list)
    for result in results:
        if result.quantity in COEFFICIENTS:
            light = result.condition.light or 0.0
            lines[result.slot, result.channel, result.quantity, light].append(result)
    # Curves under light and in the dark are not mixed; those under light are the better ones.
    rows: dict[tuple[int, int | None, str], list[Result]] = {}
    for (slot, channel, quantity, _light), found in sorted(
        lines.items(), key=lambda pair: pair[0][3]
    ):
        if len({one.condition.temperature_c for one in found}) > 1:
            rows[slot, channel, quantity] = found
    for (slot, channel, quantity), found in rows.items():
        try:
            line = fit_line(
                [float(one.condition.temperature_c or 0.0) for one in found],
                [one.value for one in found],
                [one.uncertainty for one in found],
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
                uncertainty=float(line.covariance[1, 1] ** 0.5),
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

    return AnalysisResult(
        results=[own(one) for one in done.results], problems=[own(one) for one in done.problems]
    )
