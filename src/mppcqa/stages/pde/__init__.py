"""PDE stage: pulsed light on the array, a reference detector beside it."""

from mppcqa.stages.axes import SHARED_AXES, SUMMED_AXES, WAVELENGTH_AXIS
from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import (
    BIAS_FROM,
    BIAS_TO,
    BREAKDOWN_CHART,
    CROSSTALK_LIMIT,
    EVENT_PARAMETERS,
    GAIN_CHART,
    GAIN_SPREAD_LIMIT,
    PDE_CHART,
    PDE_LIMIT,
    USUAL,
)
from mppcqa.stages.fitting import OF_LIGHT
from mppcqa.stages.pde.analysis import QUANTITIES, analyse, spectra
from mppcqa.stages.protocol import Demonstration, Parameter

STAGE = DeclaredStage(
    key="pde",
    title="PDE",
    description="Photon detection efficiency, gain and crosstalk from charge spectra with pulsed "
    "light and in the dark.",
    version="1",
    typical=USUAL,
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
    axes=(*SHARED_AXES, WAVELENGTH_AXIS, *SUMMED_AXES),
    settings=(BIAS_FROM, BIAS_TO, *OF_LIGHT),
    quantities=QUANTITIES,
    charts=(PDE_CHART, GAIN_CHART, BREAKDOWN_CHART),
    limits=(PDE_LIMIT, CROSSTALK_LIMIT, GAIN_SPREAD_LIMIT),
    demonstration=Demonstration(parameters={"events": 8000}, in_chain=True),
    program_module="mppcqa.stages.pde.program",
    calibrated_analysis=analyse,
    spectra=spectra,
)
