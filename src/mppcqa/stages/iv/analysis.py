"""From a run file of the IV stage to values."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.physics import (
    IvError,
    LineError,
    breakdown_from_iv,
    clean_iv,
    fit_line,
    largest_difference,
    quenching_resistance,
)
from mppcqa.runfile import IVCurve, RunFile, RunFileError
from mppcqa.stages.common import BREAKDOWN_AT, COEFFICIENT, QUENCHING
from mppcqa.stages.conditions import Condition
from mppcqa.stages.protocol import AnalysisResult, Problem, Quantity, Result

QUANTITIES = (
    replace(BREAKDOWN_AT, drawn_on="iv"),
    Quantity(
        key="breakdown_range_v",
        title="Largest difference of breakdown voltages",
        symbol="ΔV_br",
        unit="V",
        display_unit="mV",
        display_scale=1e3,
        scope="device",
        conditional=True,
        bounds=(0, None),
        says="Largest less smallest V_br of the channels, less what their own uncertainties add to "
        "that on average: max(0, d - (mean(d*) - d)), d* being d of the same values with noise of "
        "their uncertainties added. 0 where the channels differ by no more than they are known to; "
        "the uncertainty is the scatter of d*.",
    ),
    replace(QUENCHING, headline=True),
    Quantity(
        key="dark_current_a",
        title="Dark current",
        symbol="I_d",
        unit="A",
        display_unit="nA",
        display_scale=1e9,
        conditional=True,
        headline=True,
        bounds=(0, None),
    ),
    COEFFICIENT,
)
SAME_TEMPERATURE_C = 1.0
"""Curves this close in temperature are taken as of one; chambers keep a few tenths."""
AROUND, STUDENT = 5, 1.197
"""Points around a bias, and the 68.3 % interval of t with 3 degrees of freedom in its sigmas."""
LEAST_SCATTER = 1e-4
"""Of a current's logarithm."""
REVERSE_POINTS = 3
"""Reverse points that make a curve one from which a breakdown voltage is expected."""


def analyse(path: Path, settings: Mapping[str, Any]) -> AnalysisResult:
    """Breakdown voltage, quenching resistance and dark current of each channel and temperature.

    The breakdown voltage is from the curve with most light, which shows it best; light and method
    are said with the value. A curve that gives no value is a problem.

    settings
        ``method``, ``pixels`` and ``overvoltage_v``; ``None`` is what the run was started with.
    """
    done = AnalysisResult(results=[])
    with RunFile(path) as run:
        if not run.has("iv"):
            raise RunFileError(f"{run.path.name} holds no IV curves")
        chosen = {key: value for key, value in settings.items() if value is not None}
        parameters = {**run.meta.get("parameters", {}), **chosen}
        for slot in (row["slot"] for row in run.slots):
            device = _Device(slot, parameters)
            by_channel: dict[int, list[IVCurve]] = defaultdict(list)
            for curve in run.iv_curves(slot):
                by_channel[curve.channel].append(curve)
            for channel, curves in sorted(by_channel.items()):
                for together in _by_temperature(curves):
                    device.channel_at(channel, together)
            device.finish()
            done.results.extend(device.done.results)
            done.problems.extend(device.done.problems)
    return done


def _by_temperature(curves: list[IVCurve]) -> list[list[IVCurve]]:
    groups: list[list[IVCurve]] = []
    for curve in sorted(curves, key=lambda one: one.temperature_c):
        if groups and curve.temperature_c - groups[-1][0].temperature_c < SAME_TEMPERATURE_C:
            groups[-1].append(curve)
        else:
            groups.append([curve])
    return groups


def current_at(
    bias_v: float, voltage_v: NDArray[np.float64], current_a: NDArray[np.float64]
) -> tuple[float, float]:
    """Current [A] at a bias and its uncertainty, from a few points around it.

    A line through the logarithms of `AROUND` points; how far each is off is known from how they
    scatter about it alone, so that the interval is one of Student's t.
    """
    x, y = voltage_v - bias_v, np.log(current_a)
    scatter = y - np.polyval(np.polyfit(x, y, 1), x)
    sigma = STUDENT * float(np.sqrt((scatter**2).sum() / (AROUND - 2)))
    line = fit_line(x, y, np.full(len(x), max(sigma, LEAST_SCATTER)))
    value = float(np.exp(line.intercept))
    return value, value * float(np.sqrt(line.covariance[0, 0]))


class _Device:
    """Values of one device as its channels' curves come along."""

    def __init__(self, slot: int, parameters: Mapping[str, Any]) -> None:
        self.slot = slot
        self.method = str(parameters.get("method", "relative_derivative"))
        self.pixels = int(parameters.get("pixels", 0))
        self.overvoltage_v = float(parameters.get("overvoltage_v", 1.5))
        self.done = AnalysisResult(results=[])
        self.found: dict[float, list[Result]] = defaultdict(list)

    def channel_at(self, channel: int, curves: list[IVCurve]) -> None:
        """Everything from one channel's curves at one temperature; channel -1 is the device."""
        number = None if channel < 0 else channel
        temperature_c = round(float(np.mean([one.temperature_c for one in curves])), 1)
        reverse = [one for one in curves if (one.voltage_v > 0).sum() >= REVERSE_POINTS]
        forward = [one for one in curves if (one.voltage_v < 0).sum() >= REVERSE_POINTS]
        breakdown = None
        if reverse:
            best = max(reverse, key=lambda one: one.light)
            breakdown = self._breakdown(number, best, temperature_c)
        dark = [one for one in reverse if one.light == 0]
        if dark and breakdown is not None:
            self._dark_current(number, dark[-1], temperature_c, breakdown.value)
        if forward and self.pixels:
            self._quenching(number, forward[-1], temperature_c)

    def _breakdown(self, channel: int | None, curve: IVCurve, at_c: float) -> Result | None:
        condition = Condition(temperature_c=at_c)
        try:
            found = breakdown_from_iv(
                curve.voltage_v, curve.current_a, method=self.method, reverse=1
            )
        except IvError as fault:
            self._problem(channel, f"no breakdown voltage: {fault}", condition)
            return None
        kind = "in the dark" if curve.light == 0 else "with light"
        result = self._result(
            channel,
            "breakdown_voltage_v",
            (found.voltage_v, found.error_v),
            condition,
            f"IV {kind}: {found.method.replace('_', ' ')}",
        )
        self.found[at_c].append(result)
        return result

    def _dark_current(
        self, channel: int | None, curve: IVCurve, at_c: float, breakdown_v: float
    ) -> None:
        """Current at the overvoltage, from the logarithms of the points on both sides of it."""
        bias = breakdown_v + self.overvoltage_v
        condition = Condition(overvoltage_v=self.overvoltage_v, temperature_c=at_c, light=0.0)
        cleaned = clean_iv(curve.voltage_v, curve.current_a, reverse=1)
        near = np.argsort(np.abs(cleaned.bias_v - bias))[:AROUND]
        v, i = cleaned.bias_v[near], cleaned.current_a[near]
        if not (len(v) == AROUND and v.min() <= bias <= v.max() and (i > 0).all()):
            what = f"no dark current: the curve does not reach {bias:.2f} V"
            self._problem(channel, what, condition)
            return
        found = current_at(bias, v, i)
        self._result(channel, "dark_current_a", found, condition, "dark IV curve")

    def _quenching(self, channel: int | None, curve: IVCurve, at_c: float) -> None:
        condition = Condition(temperature_c=at_c)
        try:
            found = quenching_resistance(curve.voltage_v, curve.current_a, self.pixels, reverse=1)
        except IvError as fault:
            self._problem(channel, f"no quenching resistance: {fault}", condition)
            return
        self._result(channel, "quenching_ohm", found, condition, "slope of the forward IV curve")

    def finish(self) -> None:
        """What needs several channels, or several temperatures."""
        for at_c, results in self.found.items():
            channels = [one for one in results if one.channel is not None]
            if len(channels) > 1:
                found = largest_difference(
                    [one.value for one in channels], [one.uncertainty for one in channels]
                )
                mean = float(np.mean([one.value for one in channels]))
                self._result(
                    None,
                    "breakdown_range_v",
                    (found[0] * mean, found[1] * mean),
                    Condition(temperature_c=at_c),
                    "largest less smallest, noise taken off",
                )
        if len(self.found) > 1:
            self._coefficients()

    def _coefficients(self) -> None:
        rows: dict[int | None, list[Result]] = defaultdict(list)
        for result in (one for results in self.found.values() for one in results):
            rows[result.channel].append(result)
        for channel, results in rows.items():
            try:
                line = fit_line(
                    [one.condition.get("temperature_c", 0.0) for one in results],
                    [one.value for one in results],
                    [one.uncertainty for one in results],
                )
            except LineError as fault:
                self._problem(channel, f"no temperature coefficient: {fault}", Condition())
                continue
            self._result(
                channel,
                "breakdown_coefficient_v_per_c",
                (line.slope, line.slope_error),
                Condition(),
                "straight line through the temperatures",
            )

    def _result(
        self,
        channel: int | None,
        quantity: str,
        found: tuple[float, float],
        condition: Condition,
        method: str,
    ) -> Result:
        result = Result(
            slot=self.slot,
            channel=channel,
            quantity=quantity,
            value=float(found[0]),
            uncertainty=float(found[1]),
            condition=condition,
            method=method,
        )
        self.done.results.append(result)
        return result

    def _problem(self, channel: int | None, what: str, condition: Condition) -> None:
        self.done.problems.append(
            Problem(slot=self.slot, channel=channel, what=what, condition=condition)
        )
