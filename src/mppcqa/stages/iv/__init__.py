"""IV stage: current against voltage, reverse and forward. An example of an added stage."""

from dataclasses import replace

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import BREAKDOWN_CHART, FAULT, IV_METHOD, SLOWNESS, TEMPERATURES
from mppcqa.stages.iv.analysis import QUANTITIES, analyse
from mppcqa.stages.protocol import Chart, LimitDefault, Parameter

AS_IN_THE_RUN = "Empty takes what the run was started with."
PIXELS = Parameter(
    key="pixels",
    title="Pixels of a channel",
    kind="integer",
    default=3600,
    minimum=1,
    maximum=1_000_000,
    help="The quenching resistance of a pixel is this number times the channel's.",
)
METHOD = replace(IV_METHOD, key="method", title="Method of the breakdown voltage")
OVERVOLTAGE = Parameter(
    key="overvoltage_v",
    title="Overvoltage of the dark current",
    kind="number",
    default=1.5,
    unit="V",
    minimum=0.1,
    maximum=10,
)
PARAMETERS = (
    Parameter(
        key="sweep_from_v",
        title="Reverse sweep begins at",
        kind="number",
        default=66.0,
        unit="V",
        minimum=0,
        maximum=100,
        help="A few volts below breakdown; a coarse sweep from zero goes before it.",
    ),
    Parameter(
        key="sweep_to_v",
        title="Reverse sweep ends at",
        kind="number",
        default=73.0,
        unit="V",
        minimum=1,
        maximum=100,
        help="At least a volt above breakdown.",
    ),
    Parameter(
        key="sweep_step_v",
        title="Step of the reverse sweep",
        kind="number",
        default=0.05,
        unit="V",
        minimum=0.005,
        maximum=1,
    ),
    TEMPERATURES,
    Parameter(
        key="light",
        title="Light setting",
        kind="number",
        default=1.0,
        minimum=0,
        maximum=10,
        help="Weak, steady light sharpens the breakdown; 0 sweeps in the dark alone.",
    ),
    Parameter(
        key="forward",
        title="Forward sweep",
        kind="flag",
        default=True,
        help="Gives the quenching resistance.",
    ),
    PIXELS,
    Parameter(
        key="compliance_a",
        title="Current limit of the supply",
        kind="number",
        default=0.02,
        unit="A",
        minimum=1e-9,
        maximum=1,
    ),
    METHOD,
    OVERVOLTAGE,
    SLOWNESS,
    FAULT,
)

SETTINGS = tuple(
    replace(one, default=None, help=AS_IN_THE_RUN) for one in (METHOD, PIXELS, OVERVOLTAGE)
)

STAGE = DeclaredStage(
    key="iv",
    title="IV",
    description="Breakdown voltage, quenching resistance and dark current from current against "
    "voltage.",
    version="3",
    parameters=PARAMETERS,
    settings=SETTINGS,
    quantities=QUANTITIES,
    charts=(
        BREAKDOWN_CHART,
        Chart(
            key="quenching",
            title="Quenching resistance of the channels",
            quantities=("quenching_ohm",),
            kind="map",
        ),
        Chart(
            key="dark_current",
            title="Dark current of the channels",
            quantities=("dark_current_a",),
            kind="map",
        ),
    ),
    limits=(
        LimitDefault(
            quantity="breakdown_range_v",
            pass_high=0.15,
            warn_high=0.25,
            reason="The channels of an array share one bias: 0.15 V is a tenth of the overvoltage.",
        ),
        LimitDefault(
            quantity="quenching_ohm",
            pass_low=120e3,
            pass_high=180e3,
            warn_low=100e3,
            warn_high=220e3,
            reason="Far from the type's usual 150 kΩ the recovery time is another one.",
        ),
        LimitDefault(
            quantity="dark_current_a",
            pass_high=1.5e-6,
            warn_high=3e-6,
            reason="Far more than the dark counts draw is leakage.",
        ),
    ),
    program_module="mppcqa.stages.iv.program",
    analysis=analyse,
)
