"""What a foreign file holds, in SI units and by channel, before it becomes a run file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NAN = math.nan


@dataclass(frozen=True)
class Curve:
    """An IV curve: bias (n,) [V], current (n,) [A], its spread (n,) [A] or NaN."""

    bias_v: Floats
    current_a: Floats
    spread_a: Floats


@dataclass
class Measured:
    """Data of one condition.

    charges
        (events, channels), or None.
    waveforms
        (waveforms, samples) [V, or the file's unit], or None; `sample_s` between samples.
    curve
        An IV curve, or None.
    channels
        Channel of the device of each column of `charges`; of the waveforms or the curve.
    """

    bias_v: float = NAN
    temperature_c: float = NAN
    light: float = NAN
    charges: NDArray[np.float32] | None = None
    waveforms: NDArray[np.float32] | None = None
    sample_s: float = NAN
    curve: Curve | None = None
    channels: tuple[int, ...] = (0,)
    gate_s: float = NAN
    facts: dict[str, str] = field(default_factory=dict)
    """Header lines of the file, as they stand."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of how it was read."""

    @property
    def kind(self) -> str:
        if self.charges is not None:
            return "charge"
        return "waveform" if self.waveforms is not None else "iv"

    @property
    def size(self) -> int:
        """Events, waveforms, or points of the curve."""
        if self.curve is not None:
            return len(self.curve.bias_v)
        part = self.charges if self.charges is not None else self.waveforms
        return 0 if part is None else len(part)
