"""Axes: what a measuring point may differ in (bias, temperature, light, wavelength, dose …)."""

from __future__ import annotations

import math
from dataclasses import dataclass

DIGITS = 6
"""Significant digits that a condition is told apart by."""

NEAR_PART = 0.1
"""Of a wanted value: so near is near on an axis that declares no `Axis.tolerance`."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """Something that a station sets, or that follows from what it sets; declared by stages."""

    key: str
    """Name in run files, database, tables and addresses, with its unit (``wavelength_nm``)."""
    title: str
    """English, translated where it is shown."""
    unit: str = ""
    words: str = ""
    """How a value is told (``{:g} V over breakdown``); by default the title, number and unit."""
    headings: tuple[str, ...] = ()
    """What tables of other people call it, in lower case."""
    resolution: float = 0.0
    """Values are compared over the campaign rounded to this; 0 compares them as they are."""
    stands_for: str = ""
    """Key of the axis that it follows from and is compared in place of (overvoltage for bias)."""
    off: float | None = None
    """Value at which nothing is applied: what was had there holds at every other value, too."""
    off_words: str = ""
    """How `off` is told where it is one of two values; `on_words` the other one."""
    on_words: str = ""
    rank: int = 40
    """Points are sorted by the axis of the highest rank first."""
    digits: int = DIGITS
    """Significant digits of what is compared over the campaign without a resolution."""
    tolerance: float | None = None
    """How far from the place that a limit names a value may be to be judged by it; by default a
    tenth of that place, and at least `resolution`."""
    adds_up: bool = False
    """Whether its value is the sum of what was done to the device until then (see
    `mppcqa.stages.records`); a condition without it is one at zero."""

    def rounded(self, value: float) -> float:
        """The value as it is compared over the campaign."""
        if not self.resolution:
            return float(f"{value:.{self.digits}g}")
        places = max(0, -math.floor(math.log10(self.resolution)))
        return round(round(value / self.resolution) * self.resolution, places) + 0.0

    def is_near(self, value: float, wanted: float) -> bool:
        """Whether what was had at a value tells of a wanted one; at `off` it tells of all."""
        if value == self.off:
            return True
        reach = self.tolerance
        if reach is None:
            reach = max(self.resolution, NEAR_PART * abs(wanted))
        return abs(value - wanted) <= reach * (1 + 1e-9) + 1e-12 * abs(wanted)


BIAS_AXIS = Axis(
    key="bias_v",
    title="Bias",
    unit="V",
    words="{:g} V",
    resolution=0.01,
    tolerance=0.5,
    rank=0,
)
OVERVOLTAGE_AXIS = Axis(
    key="overvoltage_v",
    title="Overvoltage",
    unit="V",
    words="{:g} V over breakdown",
    resolution=0.1,
    tolerance=0.5,
    stands_for="bias_v",
    rank=10,
)
TEMPERATURE_AXIS = Axis(
    key="temperature_c",
    title="Temperature",
    unit="°C",
    words="{:g} °C",
    resolution=1.0,
    tolerance=5.0,
    rank=30,
)
LIGHT_AXIS = Axis(
    key="light",
    title="Light",
    words="light {:g}",
    off=0.0,
    off_words="in the dark",
    on_words="with light",
    rank=20,
)
WAVELENGTH_AXIS = Axis(
    key="wavelength_nm",
    title="Wavelength",
    unit="nm",
    words="{:g} nm",
    headings=("wavelength", "lambda", "longitud de onda"),
    resolution=1.0,
    tolerance=10.0,
    rank=35,
)
SHARED_AXES = (BIAS_AXIS, OVERVOLTAGE_AXIS, TEMPERATURE_AXIS, LIGHT_AXIS)
"""Axes that most stages have, in the order in which a condition is told."""
FLUENCE_AXIS = Axis(
    key="fluence_neq_cm2",
    title="Fluence",
    unit="n_eq/cm2",
    words="{:g} n_eq/cm2",
    headings=("fluence", "neutron fluence", "equivalent fluence", "fluencia"),
    digits=2,
    adds_up=True,
    rank=50,
)
DOSE_AXIS = Axis(
    key="dose_gy",
    title="Dose",
    unit="Gy",
    words="{:g} Gy",
    headings=("dose", "total dose", "ionising dose", "tid", "dosis"),
    digits=2,
    adds_up=True,
    rank=50,
)
ANNEALING_AXIS = Axis(
    key="annealing_h",
    title="Annealing time",
    unit="h",
    words="annealed for {:g} h",
    headings=("annealing time", "annealing", "tiempo de recocido"),
    digits=2,
    adds_up=True,
    rank=48,
)
CYCLES_AXIS = Axis(
    key="thermal_cycles",
    title="Thermal cycles",
    words="after {:g} thermal cycles",
    headings=("thermal cycles", "cycles", "ciclos térmicos"),
    adds_up=True,
    rank=46,
)
SUMMED_AXES = (FLUENCE_AXIS, DOSE_AXIS, ANNEALING_AXIS, CYCLES_AXIS)
"""What was done to a device before it was measured, added up from its records."""
