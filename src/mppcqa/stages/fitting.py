"""How charge spectra are binned and fitted, as far as a person chooses it: settings of stages."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from mppcqa.stages.protocol import Parameter

if TYPE_CHECKING:
    from mppcqa.physics import PulseShape, SpectrumFits
    from mppcqa.runfile import RunFile
    from mppcqa.stages.analysis import Bias, Values

FIT_TITLES = {
    "pedestal": ("Pedestal", "ADC"),
    "gain": ("Gain", "ADC/p.e."),
    "pedestal_width": ("Width of the pedestal", "ADC"),
    "pe_width": ("Width of a photoelectron", "ADC"),
    "mean_light_pe": ("Mean light", "p.e."),
    "crosstalk_children": ("Crosstalk per avalanche", ""),
    "dark_counts_per_gate": ("Dark counts per gate", ""),
    "afterpulses": ("Afterpulses per avalanche", ""),
}
"""What a spectrum's fit yields: English title, translated where it is shown, and unit."""
BINS, FEWEST_BINS, MOST_BINS = 460, 60, 1500
FREE = "free_"
CHARGE_FROM = Parameter(
    key="charge_from_adc",
    title="Charges from",
    kind="number",
    default=None,
    unit="ADC",
    help="Bins below are not fitted; empty leaves out none.",
)
CHARGE_TO = replace(
    CHARGE_FROM,
    key="charge_to_adc",
    title="Charges to",
    help="Bins above are not fitted; empty leaves out none.",
)
BINNING = Parameter(
    key="bins",
    title="Bins of a spectrum",
    kind="integer",
    default=BINS,
    minimum=FEWEST_BINS,
    maximum=MOST_BINS,
    help="Over the spectrum's own range; charges of a digitizer get bins of whole steps.",
)
MODEL = Parameter(
    key="spectrum_model",
    title="Model of light spectra",
    kind="choice",
    default="full",
    choices=("full", "simple"),
    help="The simple one knows neither dark counts nor afterpulses, and takes the light spectrum "
    "alone (Vinogradov, NIM A 695 (2012) 247).",
)


def _may_be_free(name: str, title: str, told: str) -> Parameter:
    return Parameter(key=FREE + name, title=title, kind="flag", default=True, help=told)


WHERE_SEEN = "Fitted where the spectra show it, held at none otherwise."
AFTERPULSES = _may_be_free(
    "afterpulses", "Afterpulses are fitted", "Held at none where this is off."
)
BURSTS = _may_be_free("burst_fraction", "Noise in bursts is fitted", WHERE_SEEN)
SHIFT = _may_be_free("dark_pedestal_shift", "A pedestal that moved is fitted", WHERE_SEEN)
RATE = _may_be_free("log_dark_rate_ratio", "A dark run of another rate is fitted", WHERE_SEEN)
VARIANCE = _may_be_free(
    "light_variance", "Light that varies is fitted", "Held at none where this is off."
)
OF_DARK = (CHARGE_FROM, CHARGE_TO, BINNING, AFTERPULSES, BURSTS)
"""Settings of a stage that has spectra in the dark alone."""
OF_LIGHT = (CHARGE_FROM, CHARGE_TO, BINNING, MODEL, AFTERPULSES, VARIANCE, SHIFT, RATE, BURSTS)
"""The same with light."""
KEYS = frozenset(one.key for one in (*OF_DARK, *OF_LIGHT))
"""What a spectrum's own page offers of a stage's settings: the rest chooses points and methods."""


@dataclass(frozen=True)
class Fitting:
    """What was chosen."""

    bins: int = BINS
    between: tuple[float, float] = (-math.inf, math.inf)
    """Charges [ADC]."""
    simple: bool = False
    held: tuple[str, ...] = ()
    """Of `mppcqa.physics.spectra.MAY_BE_HELD`."""


AS_USUAL = Fitting()


def fitting_of(settings: Mapping[str, Any]) -> Fitting:
    """The part of checked settings that says how spectra are fitted.

    Raises ValueError for a range that ends before it begins.
    """
    low, high = settings.get(CHARGE_FROM.key), settings.get(CHARGE_TO.key)
    between = (-math.inf if low is None else low, math.inf if high is None else high)
    if not between[0] < between[1]:
        raise ValueError(f"the charges end ({high:g} ADC) before they begin ({low:g} ADC)")
    return Fitting(
        bins=settings.get(BINNING.key, BINS),
        between=between,
        simple=settings.get(MODEL.key, MODEL.default) == "simple",
        held=tuple(
            key.removeprefix(FREE)
            for key, value in settings.items()
            if key in KEYS and key.startswith(FREE) and not value
        ),
    )


@dataclass(frozen=True, kw_only=True)
class SpectraOf:
    """How a stage reads the charge spectra of one device: what a page needs to fit one of them."""

    pulse: PulseShape
    values: Callable[[SpectrumFits, Bias], Values] = field(default=lambda fits, bias: {})
    """What fits at a point mean besides gain and crosstalk, as `analyse_spectra` takes it."""


ReadSpectra = Callable[["RunFile", int], SpectraOf]
"""From an open run file and a slot."""
