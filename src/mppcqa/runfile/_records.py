"""What a reader hands out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Waveforms:
    """Waveforms of one channel at one point.

    A sample is ``offset_v + scale_v * adc`` volts.
    """

    adc: NDArray[np.int16]
    """(waveforms, samples)"""
    scale_v: NDArray[np.float64]
    """(waveforms,) volts a count"""
    offset_v: NDArray[np.float64]
    """(waveforms,) volts at zero counts"""
    event: NDArray[np.int32]
    """(waveforms,) number among the charges of the same point and slot, -1 where there is none"""
    sampling_s: float
    """Seconds between samples."""
    first_sample_s: float
    """Time of the first sample after the trigger, in seconds."""

    def volts(self) -> NDArray[np.float64]:
        """Samples in volts (waveforms, samples)."""
        scaled = self.scale_v[:, None] * self.adc.astype(np.float64)
        return scaled + self.offset_v[:, None]

    def times_s(self) -> NDArray[np.float64]:
        """Time of each sample after the trigger (samples,), in seconds."""
        times = self.sampling_s * np.arange(self.adc.shape[1], dtype=np.float64)
        return times + self.first_sample_s


@dataclass(frozen=True)
class RateScan:
    """Rates of a channel against the threshold, in the unit of the run's ``threshold_unit``."""

    point: int
    slot: int
    channel: int
    threshold: NDArray[np.float64]
    """(points,)"""
    rate_hz: NDArray[np.float64]
    """(points,)"""
    rate_uncertainty_hz: NDArray[np.float64]
    """(points,), NaN where not known"""


@dataclass(frozen=True)
class IVCurve:
    """A current-voltage curve; voltages and currents are positive in reverse direction."""

    curve: int
    slot: int
    channel: int
    """-1 for all channels of a device in parallel."""
    temperature_c: float
    light: float
    voltage_v: NDArray[np.float64]
    """(points,)"""
    current_a: NDArray[np.float64]
    """(points,)"""
    current_uncertainty_a: NDArray[np.float64]
    """(points,), NaN where not known"""
