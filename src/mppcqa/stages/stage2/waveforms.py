"""Stage 2: what the dark waveforms of a device say."""

from __future__ import annotations

import math
from dataclasses import replace

from mppcqa.physics import WaveformError, analyse_dark_waveforms
from mppcqa.runfile import RunFile
from mppcqa.stages.analysis import Bias
from mppcqa.stages.protocol import AnalysisResult, Condition, Problem, Result

METHOD = "pulses of dark waveforms"


def analyse_waveforms(
    run: RunFile, slot: int, channels: int, points: list[Bias], conditions: dict[Bias, Condition]
) -> AnalysisResult:
    """Dark rate, crosstalk and afterpulses of each channel at each dark point with waveforms."""
    done = AnalysisResult(results=[])
    if not run.has("waveform"):
        return done
    seen: set[int] = set()
    for bias in points:
        if bias.dark is None or bias.dark in seen:
            continue
        seen.add(bias.dark)
        at = replace(conditions[bias], light=0.0)
        for channel in range(channels):
            found = run.waveforms(bias.dark, slot, channel)
            if not len(found.adc):
                continue
            sign = run.meta.get("waveform", {}).get("signal_sign", 1)
            try:
                counts, _pulses = analyse_dark_waveforms(sign * found.adc, found.sampling_s)
            except WaveformError as error:
                what = f"waveforms: {error}"
                done.problems.append(Problem(slot=slot, channel=channel, what=what, condition=at))
                continue
            for quantity, value, error_ in (
                ("dark_rate_waveforms_hz", counts.dark_rate_hz, counts.dark_rate_error_hz),
                ("crosstalk_waveforms", counts.crosstalk_probability, counts.crosstalk_error),
                ("afterpulse_probability", counts.afterpulse_probability, counts.afterpulse_error),
            ):
                if math.isfinite(value) and math.isfinite(error_):
                    done.results.append(
                        Result(
                            slot=slot,
                            channel=channel,
                            quantity=quantity,
                            value=float(value),
                            uncertainty=float(error_),
                            condition=at,
                            method=METHOD,
                        )
                    )
    return done
