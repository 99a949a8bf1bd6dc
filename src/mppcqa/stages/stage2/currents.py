"""Stage 2: what the current-voltage curves of a device say."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import Any

from mppcqa.physics import IvError, breakdown_from_iv, quenching_resistance
from mppcqa.runfile import IVCurve, RunFile
from mppcqa.stages.common import BREAKDOWN_AT, QUENCHING
from mppcqa.stages.conditions import Condition
from mppcqa.stages.protocol import AnalysisResult, Problem, Result

BREAKDOWN_IV = replace(
    BREAKDOWN_AT,
    key="breakdown_iv_v",
    title="Breakdown voltage from IV",
    drawn_on="iv",
    symbol="V_br,IV",
    headline=False,
)
QUANTITIES = (BREAKDOWN_IV, QUENCHING)


def analyse_currents(run: RunFile, slot: int, pixels: int | None, method: str) -> AnalysisResult:
    """Breakdown voltage and quenching resistance of each channel at each temperature and light.

    Of several curves at one condition the last is taken. The quenching resistance needs the
    number of pixels of a channel. A curve of a whole device gives values of the device.
    """
    done = AnalysisResult(results=[])
    curves: dict[tuple[int, float, float], list[IVCurve]] = defaultdict(list)
    for curve in run.iv_curves(slot):
        curves[curve.channel, round(curve.temperature_c, 1), curve.light].append(curve)
    for (channel, temperature_c, light), found in curves.items():
        at = Condition(temperature_c=temperature_c, light=light)
        place: dict[str, Any] = {"slot": slot, "channel": None if channel < 0 else channel}
        place["condition"] = at
        reverse = [curve for curve in found if (curve.voltage_v > 1).sum() > 5]
        forward = [curve for curve in found if (curve.voltage_v < 0).sum() > 3]
        if reverse:
            _breakdown(done, reverse[-1], method, place)
        if forward and pixels:
            _quenching(done, forward[-1], pixels, place)
        if not reverse and not (forward and pixels):
            what = (
                "a forward curve gives a quenching resistance where the number of pixels is known"
                if forward
                else "an IV curve with too few points in either direction gives no value"
            )
            done.problems.append(Problem(what=what, **place))
        if len(reverse) > 1:
            what = f"{len(reverse)} IV curves were taken at this condition; the last one counts"
            done.problems.append(Problem(what=what, **place))
    return done


def _breakdown(done: AnalysisResult, curve: IVCurve, method: str, place: dict[str, Any]) -> None:
    try:
        found = breakdown_from_iv(curve.voltage_v, curve.current_a, method=method, reverse=1)
    except IvError as error:
        done.problems.append(Problem(what=f"no breakdown voltage from IV: {error}", **place))
        return
    done.results.append(
        Result(
            quantity="breakdown_iv_v",
            value=found.voltage_v,
            uncertainty=found.error_v,
            method=f"IV, {found.method.replace('_', ' ')}",
            **place,
        )
    )


def _quenching(done: AnalysisResult, curve: IVCurve, pixels: int, place: dict[str, Any]) -> None:
    try:
        value, error = quenching_resistance(curve.voltage_v, curve.current_a, pixels, reverse=1)
    except IvError as fault:
        done.problems.append(Problem(what=f"no quenching resistance: {fault}", **place))
        return
    done.results.append(
        Result(
            quantity="quenching_ohm",
            value=value,
            uncertainty=error,
            method="forward IV, pixels x dV/dI",
            **place,
        )
    )
