"""PDE stage: pulsed light on the array, a reference detector beside it."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import BREAKDOWN, CROSSTALK, EVENT_PARAMETERS, GAIN, GAIN_SPREAD
from mppcqa.stages.pde.analysis import analyse
from mppcqa.stages.protocol import Chart, LimitDefault, Parameter, Quantity

STAGE = DeclaredStage(
    key="pde",
    title="PDE",
    description="Photon detection efficiency, gain and crosstalk from charge spectra with pulsed "
    "light and in the dark.",
    version="1",
    parameters=(
        Parameter(
            key="light",
            title="Light setting",
            kind="number",
            default=1.0,
            minimum=0.01,
            maximum=10,
            help="1 is the calibrated setting of the light source.",
        ),
        *EVENT_PARAMETERS,
    ),
    quantities=(
        Quantity(
            key="pde",
            title="Photon detection efficiency",
            symbol="PDE",
            correlated=True,
            unit="",
            display_unit="%",
            display_scale=100,
            conditional=True,
            headline=True,
            bounds=(0, 1),
        ),
        GAIN,
        CROSSTALK,
        Quantity(
            key="mean_light_pe",
            title="Mean light",
            symbol="μ",
            unit="p.e.",
            conditional=True,
            bounds=(0, None),
        ),
        BREAKDOWN,
        GAIN_SPREAD,
    ),
    charts=(
        Chart(key="pde", title="PDE against bias", quantities=("pde",), kind="against_bias"),
        Chart(key="gain", title="Gain against bias", quantities=("gain_adc",), kind="against_bias"),
        Chart(
            key="breakdown",
            title="Breakdown voltage of the channels",
            quantities=("breakdown_voltage_v",),
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
    program_module="mppcqa.stages.pde.program",
    analysis=analyse,
)
