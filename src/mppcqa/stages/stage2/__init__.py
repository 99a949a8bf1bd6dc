"""Stage 2: full characterisation with every event kept, so that any analysis can start anew."""

from dataclasses import replace

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import (
    BIAS,
    BIAS_FROM,
    BIAS_TO,
    BREAKDOWN_CHART,
    CROSSTALK_LIMIT,
    DARK_RATE_CHART,
    EVENTS,
    FAULT,
    GAIN_CHART,
    GAIN_SPREAD_LIMIT,
    IV_METHOD,
    PDE_CHART,
    PDE_LIMIT,
    SLOWNESS,
    TEMPERATURES,
    USUAL,
)
from mppcqa.stages.fitting import OF_LIGHT
from mppcqa.stages.foreign import CHARGES, CURVES, STAIRCASES, WAVEFORMS
from mppcqa.stages.protocol import Chart, Demonstration, LimitDefault, Parameter
from mppcqa.stages.stage2.analysis import QUANTITIES, analyse, spectra

PARAMETERS = (
    EVENTS,
    replace(
        BIAS,
        default=[71.4, 71.6, 71.8, 72.0, 72.2, 72.4, 72.6],
        help="Every device of the run is measured at each of these, at each temperature.",
    ),
    replace(TEMPERATURES, default=[15.0, 25.0]),
    Parameter(
        key="light",
        title="Light settings",
        kind="numbers",
        default=[1.0],
        minimum=0.01,
        maximum=10,
        help="Each is measured beside the dark; 1 is the calibrated setting.",
    ),
    Parameter(
        key="waveforms",
        title="Dark waveforms at each point",
        kind="integer",
        default=40,
        minimum=0,
        maximum=100_000,
        help="A channel; 0 records none. They give dark rate, crosstalk and afterpulses.",
    ),
    Parameter(
        key="thresholds",
        title="Thresholds of the rate scan",
        kind="integer",
        default=0,
        minimum=0,
        maximum=1000,
        help="Dark rate of each channel at so many thresholds, at the highest bias and the first "
        "temperature; 0 scans none.",
    ),
    Parameter(
        key="iv",
        title="IV curves at each temperature",
        kind="flag",
        default=True,
        help="Reverse and forward: breakdown voltage and quenching resistance.",
    ),
    SLOWNESS,
    FAULT,
)

SETTINGS = (
    BIAS_FROM,
    BIAS_TO,
    IV_METHOD,
    Parameter(
        key="waveforms",
        title="Waveforms too",
        kind="flag",
        default=True,
        help="Without them the analysis is faster, and has no values from waveforms.",
    ),
    *OF_LIGHT,
)

STAGE = DeclaredStage(
    key="stage2",
    title="Stage 2",
    description="Full characterisation: charges of all channels event by event, waveforms, IV "
    "curves and monitoring in one file; every quantity at each bias and temperature.",
    version="2",
    typical=USUAL,
    parameters=PARAMETERS,
    settings=SETTINGS,
    quantities=QUANTITIES,
    charts=(
        GAIN_CHART,
        PDE_CHART,
        DARK_RATE_CHART,
        Chart(
            key="crosstalk",
            title="Crosstalk against bias",
            quantities=("crosstalk_probability",),
            kind="against",
            x="bias_v",
        ),
        BREAKDOWN_CHART,
        Chart(
            key="coefficient",
            title="Temperature coefficient of the breakdown voltage",
            quantities=("breakdown_coefficient_v_per_c",),
            kind="map",
        ),
    ),
    limits=(
        PDE_LIMIT,
        LimitDefault(
            quantity="dark_rate_hz",
            pass_high=1.9e6,
            warn_high=2.6e6,
            at=USUAL,
            reason="17.6 MHz a whole array is 1.1 MHz a channel (GlueX-doc-1754), with room for "
            "the spread between arrays and for temperatures up to 25 °C.",
        ),
        CROSSTALK_LIMIT,
        GAIN_SPREAD_LIMIT,
    ),
    demonstration=Demonstration(stations=2, parameters={"events": 8000}),
    foreign=(CHARGES, WAVEFORMS, CURVES, STAIRCASES),
    program_module="mppcqa.stages.stage2.program",
    calibrated_analysis=analyse,
    spectra=spectra,
)

__all__ = ["STAGE"]
