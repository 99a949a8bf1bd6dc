"""Analysis of MPPC data: arrays in, values with standard uncertainties out.

What to use when:

- charge spectra with clear peaks, light and dark of the same channels: `histogram_pairs`, then
  `fit_spectra(light, edges, dark_counts=dark, pulse=PulseShape(...))` (gain, light, crosstalk, dark
  counts and afterpulses at once); the pulse says how the gate cuts what comes early or late;
- light alone or dark alone: `histogram_charges`, then `fit_spectra`, with `light=False` in the
  dark; `model="simple"` where dark counts and afterpulses do not matter and speed does;
- the curve of a fit, for a chart: `expected_counts`;
- mean light without any model of crosstalk: `mean_light_from_spectra` of the same histograms, with
  `pedestal_end` of their fits; `mean_light_from_p0` where events were counted elsewhere;
- how much the light varies from pulse to pulse, of channels that see the same pulses:
  `light_variance_of`, which `fit_spectra` takes as known beforehand;
- photon detection efficiency: `detection_efficiency`; the photons that it takes, from the current
  of a calibrated photodiode: `photons_per_pulse`, `after_drift`; how the light at a channel stands
  to that at the reference detector, from a scan of the light field: `fit_light_field`;
- excess noise of the light's charge: `excess_noise_factor`;
- rate against threshold: `staircase` (dark count rate at 0.5 p.e., crosstalk, height of a pulse);
- dark waveforms: `analyse_dark_waveforms` (rate, crosstalk, afterpulses), or its parts one by one:
  `waveform_status`, `measure_baseline`, `pulse_template`, `find_pulses`, `dark_counts`;
- breakdown voltage from gains at several bias voltages: `breakdown_from_gain`, or, where the
  temperature moved meanwhile, `breakdown_over_temperatures`;
- breakdown voltage from an IV curve: `breakdown_from_iv`, by one of `IV_METHODS`; with weak light
  take ``relative_derivative``, and never compare values had by different methods;
- quenching resistance from the forward branch: `quenching_resistance`;
- scatter and largest difference over the channels of an array: `uniformity`,
  `largest_difference`;
- temperature coefficients: `fit_line` of values against temperature (``slope``, ``slope_error``);
  values carried to another temperature: `at_temperature`;
- operating voltage: `bias_for_overvoltage`, or `bias_for_target` for a gain or PDE;
- two stations or methods on the same devices: `compare_stations`, `york_line`;
- data to try all this on: `simulate_charges_with_truth` (`simulate_charges` where its parameters
  are truth enough), `simulate_waveforms`, `simulate_iv`, each from a seeded generator and with its
  truth beside; whole run files: the stages' simulated test programs.

No files and no database here. Charges may be in any unit; results carry the same one.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mppcqa.physics._pulse import PulseShape
    from mppcqa.physics.dark import DarkCounts, analyse_dark_waveforms, dark_counts
    from mppcqa.physics.detection import detection_efficiency, mean_light_from_p0
    from mppcqa.physics.expected import expected_counts
    from mppcqa.physics.histograms import histogram_charges, histogram_pairs
    from mppcqa.physics.iv import IV_METHODS, IvBreakdown, breakdown_from_iv, quenching_resistance
    from mppcqa.physics.iv_curve import IvCurve, IvError, clean_iv
    from mppcqa.physics.iv_simulation import IvTruth, simulate_iv
    from mppcqa.physics.light import (
        LightField,
        excess_noise_factor,
        fit_light_field,
        mean_light_from_spectra,
        pedestal_end,
    )
    from mppcqa.physics.light_variance import light_variance_of
    from mppcqa.physics.lines import (
        GainBreakdown,
        Line,
        LineError,
        breakdown_from_gain,
        breakdown_over_temperatures,
        fit_line,
    )
    from mppcqa.physics.operating import at_temperature, bias_for_overvoltage, bias_for_target
    from mppcqa.physics.photons import after_drift, photons_per_pulse
    from mppcqa.physics.pulses import Pulses, find_pulses
    from mppcqa.physics.simulation import (
        ChargeTruth,
        simulate_charges,
        simulate_charges_with_truth,
    )
    from mppcqa.physics.spectra import LIGHT_MAY_VARY, UNKNOWN_PULSE, SpectrumFits, fit_spectra
    from mppcqa.physics.spread import largest_difference, uniformity
    from mppcqa.physics.staircases import Staircase, StaircaseError, staircase
    from mppcqa.physics.stations import StationComparison, compare_stations, york_line
    from mppcqa.physics.waveform_simulation import (
        WaveformTruth,
        dark_rate_at,
        simulate_waveforms,
    )
    from mppcqa.physics.waveforms import (
        Baseline,
        PulseTemplate,
        WaveformError,
        measure_baseline,
        pulse_template,
        waveform_status,
    )

__all__ = [
    "IV_METHODS",
    "LIGHT_MAY_VARY",
    "UNKNOWN_PULSE",
    "Baseline",
    "ChargeTruth",
    "DarkCounts",
    "GainBreakdown",
    "IvBreakdown",
    "IvCurve",
    "IvError",
    "IvTruth",
    "LightField",
    "Line",
    "LineError",
    "PulseShape",
    "PulseTemplate",
    "Pulses",
    "SpectrumFits",
    "Staircase",
    "StaircaseError",
    "StationComparison",
    "WaveformError",
    "WaveformTruth",
    "after_drift",
    "analyse_dark_waveforms",
    "at_temperature",
    "bias_for_overvoltage",
    "bias_for_target",
    "breakdown_from_gain",
    "breakdown_from_iv",
    "breakdown_over_temperatures",
    "clean_iv",
    "compare_stations",
    "dark_counts",
    "dark_rate_at",
    "detection_efficiency",
    "excess_noise_factor",
    "expected_counts",
    "find_pulses",
    "fit_light_field",
    "fit_line",
    "fit_spectra",
    "histogram_charges",
    "histogram_pairs",
    "largest_difference",
    "light_variance_of",
    "mean_light_from_p0",
    "mean_light_from_spectra",
    "measure_baseline",
    "pedestal_end",
    "photons_per_pulse",
    "pulse_template",
    "quenching_resistance",
    "simulate_charges",
    "simulate_charges_with_truth",
    "simulate_iv",
    "simulate_waveforms",
    "staircase",
    "uniformity",
    "waveform_status",
    "york_line",
]

_HOMES = {
    "_pulse": ("PulseShape",),
    "dark": ("DarkCounts", "analyse_dark_waveforms", "dark_counts"),
    "detection": ("detection_efficiency", "mean_light_from_p0"),
    "expected": ("expected_counts",),
    "histograms": ("histogram_charges", "histogram_pairs"),
    "iv": (
        "IV_METHODS",
        "IvBreakdown",
        "breakdown_from_iv",
        "quenching_resistance",
    ),
    "iv_curve": ("IvCurve", "IvError", "clean_iv"),
    "iv_simulation": ("IvTruth", "simulate_iv"),
    "light": (
        "LightField",
        "excess_noise_factor",
        "fit_light_field",
        "mean_light_from_spectra",
        "pedestal_end",
    ),
    "light_variance": ("light_variance_of",),
    "lines": (
        "GainBreakdown",
        "Line",
        "LineError",
        "breakdown_from_gain",
        "breakdown_over_temperatures",
        "fit_line",
    ),
    "operating": ("at_temperature", "bias_for_overvoltage", "bias_for_target"),
    "photons": ("after_drift", "photons_per_pulse"),
    "pulses": ("Pulses", "find_pulses"),
    "simulation": ("ChargeTruth", "simulate_charges", "simulate_charges_with_truth"),
    "spectra": ("LIGHT_MAY_VARY", "UNKNOWN_PULSE", "SpectrumFits", "fit_spectra"),
    "staircases": ("Staircase", "StaircaseError", "staircase"),
    "stations": ("StationComparison", "compare_stations", "york_line"),
    "spread": ("largest_difference", "uniformity"),
    "waveform_simulation": ("WaveformTruth", "dark_rate_at", "simulate_waveforms"),
    "waveforms": (
        "Baseline",
        "PulseTemplate",
        "WaveformError",
        "measure_baseline",
        "pulse_template",
        "waveform_status",
    ),
}
"""Module of each name, which is loaded when the name is asked for first: what is compiled takes
60 MB, and most processes that know the stages never calculate. No module has such a name itself."""


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
