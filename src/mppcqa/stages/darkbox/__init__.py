"""Dark Box stage: light-tight and at a set temperature."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.common import (
    BREAKDOWN,
    CROSSTALK,
    DARK_RATE,
    EVENT_PARAMETERS,
    GAIN,
    GAIN_SPREAD,
)
from mppcqa.stages.darkbox.analysis import analyse
from mppcqa.stages.protocol import Chart, LimitDefault

STAGE = DeclaredStage(
    key="darkbox",
    title="Dark Box",
    description="Dark count rate, gain, crosstalk and breakdown voltage from charge spectra in "
    "the dark.",
    version="1",
    parameters=EVENT_PARAMETERS,
    quantities=(DARK_RATE, GAIN, CROSSTALK, BREAKDOWN, GAIN_SPREAD),
    charts=(
        Chart(
            key="dark_rate",
            title="Dark count rate against bias",
            quantities=("dark_rate_hz",),
            kind="against_bias",
        ),
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
            quantity="dark_rate_hz",
            pass_high=1.6e6,
            warn_high=2.2e6,
            overvoltage_v=1.6,
            reason="17.6 MHz a whole array is 1.1 MHz a channel (GlueX-doc-1754), with room for "
            "the spread between arrays.",
        ),
        LimitDefault(
            quantity="gain_spread",
            pass_high=0.05,
            warn_high=0.08,
            overvoltage_v=1.6,
            reason="Cell-to-cell gain spread is 4 % in the GlueX database (GlueX-doc-1754).",
        ),
    ),
    program_module="mppcqa.stages.darkbox.program",
    analysis=analyse,
)
