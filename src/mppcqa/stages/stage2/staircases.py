"""Stage 2: what rates against threshold say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mppcqa import physics
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import Bias
from mppcqa.stages.common import CROSSTALK, DARK_RATE
from mppcqa.stages.conditions import Condition
from mppcqa.stages.protocol import AnalysisResult, Problem, Result

STAIRCASE_RATE = replace(
    DARK_RATE,
    key="dark_rate_staircase_hz",
    title="Dark count rate from thresholds",
    symbol="DCR_t",
    headline=False,
)
STAIRCASE_CROSSTALK = replace(
    CROSSTALK,
    key="crosstalk_staircase",
    title="Crosstalk probability from thresholds",
    symbol="p_ct,t",
    headline=False,
)
QUANTITIES = (STAIRCASE_RATE, STAIRCASE_CROSSTALK)
METHOD = "rate against threshold"


def analyse_staircases(
    run: RunFile, slot: int, conditions: Mapping[Bias, Condition]
) -> AnalysisResult:
    """Dark count rate at 0.5 p.e. and crosstalk of each channel and point, or why there is none.

    A scan under light counts its pulses as well, and gives neither.
    """
    done = AnalysisResult(results=[])
    dark = {one.dark: at.but(light=0.0) for one, at in conditions.items()}
    lit = {one.light: at for one, at in conditions.items()}
    for scan in run.staircases(slot):
        at = dark.get(scan.point) or lit.get(scan.point)
        if at is None:
            continue  # a bias that was left out
        place: dict[str, Any] = {"slot": slot, "channel": scan.channel, "condition": at}
        if scan.point not in dark:
            what = "a scan of the threshold under light counts no dark rate"
            done.problems.append(Problem(what=what, **place))
            continue
        try:
            found = physics.staircase(scan.threshold, scan.rate_hz, scan.rate_uncertainty_hz)
        except physics.StaircaseError as error:
            done.problems.append(Problem(what=f"nothing from thresholds: {error}", **place))
            continue
        for quantity, value, uncertainty in (
            ("dark_rate_staircase_hz", found.rate_hz, found.rate_error_hz),
            ("crosstalk_staircase", found.crosstalk, found.crosstalk_error),
        ):
            done.results.append(
                Result(
                    quantity=quantity, value=value, uncertainty=uncertainty, method=METHOD, **place
                )
            )
    return done
