"""Dark Box stage: light-tight and at a set temperature."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import (
    BIAS_FROM,
    BIAS_TO,
    BREAKDOWN_CHART,
    DARK_RATE_CHART,
    EVENT_PARAMETERS,
    GAIN_CHART,
    GAIN_SPREAD_LIMIT,
    USUAL,
)
from mppcqa.stages.darkbox.analysis import QUANTITIES, analyse, spectra
from mppcqa.stages.fitting import OF_DARK
from mppcqa.stages.protocol import Demonstration, LimitDefault

STAGE = DeclaredStage(
    key="darkbox",
    title="Dark Box",
    description="Dark count rate, gain, crosstalk and breakdown voltage from charge spectra in "
    "the dark.",
    version="2",
    typical=USUAL,
    parameters=EVENT_PARAMETERS,
    settings=(BIAS_FROM, BIAS_TO, *OF_DARK),
    quantities=QUANTITIES,
    charts=(DARK_RATE_CHART, GAIN_CHART, BREAKDOWN_CHART),
    limits=(
        LimitDefault(
            quantity="dark_rate_hz",
            pass_high=1.6e6,
            warn_high=2.2e6,
            at=USUAL,
            reason="17.6 MHz a whole array is 1.1 MHz a channel (GlueX-doc-1754), with room for "
            "the spread between arrays.",
        ),
        GAIN_SPREAD_LIMIT,
    ),
    demonstration=Demonstration(parameters={"events": 8000}, in_chain=True),
    program_module="mppcqa.stages.darkbox.program",
    analysis=analyse,
    spectra=spectra,
)
