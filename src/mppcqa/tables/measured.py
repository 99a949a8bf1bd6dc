"""What a file of raw data holds, in SI units and by channel, before it becomes a run file."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mppcqa.tables.stored import Stored

Floats = NDArray[np.float64]
Charges = NDArray[np.float32]
NAN = math.nan
OWN = ("bias_v", "temperature_c", "light", "gate_s", "sample_s")
"""Conditions that have a field; those of other axes are among `Measured.others`."""


@dataclass(frozen=True)
class Curve:
    """An IV curve: bias (n,) [V], current (n,) [A], its spread (n,) [A] or NaN.

    Reverse bias and the current that flows then are positive, forward ones negative.
    """

    bias_v: Floats
    current_a: Floats
    spread_a: Floats


@dataclass(frozen=True)
class Staircase:
    """Rates against threshold: threshold (n,), rate (n,) [Hz], its uncertainty (n,) [Hz] or NaN."""

    threshold: Floats
    rate_hz: Floats
    spread_hz: Floats
    unit: str
    """``V``, ``p.e.``, or ``DAC`` for steps of a discriminator; empty where it is not said."""


@dataclass
class Measured:
    """Data of one condition.

    charges
        (events, channels), or None; NaN where an event has no charge of a channel.
    waveforms
        (waveforms, samples) [V, or the file's unit], or None; `sample_s` between samples. Whole
        numbers are a digitizer's; those of a large file are `Stored` in it.
    curve
        An IV curve, or None.
    staircase
        Rates against threshold, or None.
    channels
        Channel of the device of each column of `charges`; of the waveforms or the curve.
    """

    bias_v: float = NAN
    temperature_c: float = NAN
    light: float = NAN
    charges: NDArray[np.float32] | None = None
    waveforms: NDArray[Any] | Stored | None = None
    sample_s: float = NAN
    curve: Curve | None = None
    staircase: Staircase | None = None
    channels: tuple[int, ...] = (0,)
    gate_s: float = NAN
    others: dict[str, float] = field(default_factory=dict)
    """Values on axes beside bias, temperature and light, by key (``wavelength_nm``)."""
    serial: str = ""
    """Serial number of the device, where the file says it."""
    signal_sign: int = 1
    """-1 where pulses go below the baseline."""
    channel_known: bool = False
    """Whether the file or the mapping says the channel, or it is the first for want of one."""
    facts: dict[str, str] = field(default_factory=dict)
    """Header lines of the file, as they stand."""
    notes: list[str] = field(default_factory=list)
    """What a person should know of how it was read."""
    doubts: list[str] = field(default_factory=list)
    """What a person has to say yes to before it is taken in."""

    def at(self, axis: str) -> float:
        """Its value on an axis; NaN where it is not known."""
        value: float = getattr(self, axis) if axis in OWN else self.others.get(axis, NAN)
        return value

    def put(self, axis: str, value: float) -> None:
        """Say its value on an axis."""
        if axis in OWN:
            setattr(self, axis, value)
        else:
            self.others[axis] = value

    @property
    def kind(self) -> str:
        if self.charges is not None:
            return "charge"
        if self.staircase is not None:
            return "staircase"
        return "waveform" if self.waveforms is not None else "iv"

    @property
    def size(self) -> int:
        """Events, waveforms, or points of the curve or staircase."""
        if self.staircase is not None:
            return len(self.staircase.threshold)
        if self.curve is not None:
            return len(self.curve.bias_v)
        part = self.charges if self.charges is not None else self.waveforms
        return 0 if part is None else len(part)


def at_condition(conditions: dict[str, float]) -> Measured:
    """An empty part at some conditions."""
    return Measured(
        bias_v=conditions["bias_v"],
        temperature_c=conditions["temperature_c"],
        light=conditions["light"],
        gate_s=conditions["gate_s"],
        others={name: value for name, value in conditions.items() if name not in OWN},
    )


def sign_of_pulses(waveforms: NDArray[Any] | Stored) -> int:
    """-1 where pulses go below the baseline, else 1; waveforms (n, samples).

    The baseline is the median of all samples: pulses are short, so what is far from it is pulse.
    """
    some = waveforms[:: max(1, len(waveforms) // 200)]
    low, middle, high = (float(x) for x in np.quantile(some, (0.0005, 0.5, 0.9995)))
    return -1 if middle - low > 2 * (high - middle) else 1
