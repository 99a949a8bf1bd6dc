"""Stage 2: full characterisation with every event kept, so that any analysis can start anew."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import EVENTS, FAULT, SLOWNESS
from mppcqa.stages.protocol import Chart, LimitDefault, Parameter
from mppcqa.stages.stage2.analysis import analyse
from mppcqa.stages.stage2.quantities import QUANTITIES

PARAMETERS = (
    EVENTS,
    Parameter(
        key="bias_v",
        title="Bias voltages",
        kind="numbers",
        default=[71.4, 71.6, 71.8, 72.0, 72.2, 72.4, 72.6],
        unit="V",
        minimum=0,
        maximum=100,
        help="Every device of the run is measured at each of these, at each temperature.",
    ),
    Parameter(
        key="temperatures_c",
        title="Temperatures",
        kind="numbers",
        default=[15.0, 25.0],
        unit="°C",
        minimum=-60,
        maximum=60,
        help="Two or more give temperature coefficients.",
    ),
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
        key="iv",
        title="IV curves at each temperature",
        kind="flag",
        default=True,
        help="Reverse and forward: breakdown voltage and quenching resistance.",
    ),
    SLOWNESS,
    FAULT,
)

STAGE = DeclaredStage(
    key="stage2",
    title="Stage 2",
    description="Full characterisation: charges of all channels event by event, waveforms, IV "
    "curves and monitoring in one file; every quantity at each bias and temperature.",
    version="1",
    parameters=PARAMETERS,
    quantities=QUANTITIES,
    charts=(
        Chart(key="gain", title="Gain against bias", quantities=("gain_adc",), kind="against_bias"),
        Chart(key="pde", title="PDE against bias", quantities=("pde",), kind="against_bias"),
        Chart(
            key="dark_rate",
            title="Dark count rate against bias",
            quantities=("dark_rate_hz",),
            kind="against_bias",
        ),
        Chart(
            key="crosstalk",
            title="Crosstalk against bias",
            quantities=("crosstalk_probability",),
            kind="against_bias",
        ),
        Chart(
            key="breakdown",
            title="Breakdown voltage of the channels",
            quantities=("breakdown_voltage_v",),
            kind="map",
        ),
        Chart(
            key="coefficient",
            title="Temperature coefficient of the breakdown voltage",
            quantities=("breakdown_coefficient_v_per_c",),
            kind="map",
        ),
    ),
    limits=(
        LimitDefault(
            quantity="pde",
            pass_low=0.20,
            warn_low=0.18,
            overvoltage_v=1.6,
            reason="An array of the GlueX calorimeter has 0.21 (GlueX-doc-1754).",
        ),
        LimitDefault(
            quantity="dark_rate_hz",
            pass_high=1.9e6,
            warn_high=2.6e6,
            overvoltage_v=1.6,
            reason="17.6 MHz a whole array is 1.1 MHz a channel (GlueX-doc-1754), with room for "
            "the spread between arrays and for temperatures up to 25 °C.",
        ),
        LimitDefault(
            quantity="crosstalk_probability",
            pass_high=0.12,
            warn_high=0.16,
            overvoltage_v=1.6,
            reason="More crosstalk than this widens the calorimeter's resolution.",
        ),
        LimitDefault(
            quantity="gain_spread",
            pass_high=0.05,
            warn_high=0.08,
            overvoltage_v=1.6,
            reason="Cell-to-cell gain spread is 4 % in the GlueX database (GlueX-doc-1754).",
        ),
    ),
    program_module="mppcqa.stages.stage2.program",
    analysis=analyse,
)

__all__ = ["STAGE"]
