"""Linearity: how many photoelectrons answer to how much light, at some wavelengths."""

from mppcqa.stages import (
    Axis,
    Chart,
    Condition,
    Demonstration,
    ForeignKind,
    LimitDefault,
    Parameter,
    Quantity,
)
from mppcqa.stages.axes import BIAS_AXIS, LIGHT_AXIS, TEMPERATURE_AXIS
from mppcqa.stages.base import DeclaredStage
from mppcqa.tables.mapping import Column, Mapping
from mppcqa_stage_linearity.analysis import analyse

WAVELENGTH = Axis(
    key="wavelength_nm",
    title="Wavelength",
    unit="nm",
    words="{:g} nm",
    headings=("wavelength", "lambda", "longitud de onda"),
    resolution=1.0,
)

PHOTONS = Mapping(
    name="Linearity: photons, wavelength, charges of four channels",
    format="table",
    kind="charge",
    columns=(
        Column("photons", "light"),
        Column("wavelength [nm]", WAVELENGTH.key, axis_unit="nm"),
        *(Column(f"q{channel}", "charge", channel=channel) for channel in range(4)),
    ),
    axes={WAVELENGTH.key: "nm"},
    stage="linearity",
    description="A line a trigger; the header gives gain_adc, the charge of a photoelectron.",
)
"""How files of another program become runs of this stage."""

STAGE = DeclaredStage(
    key="linearity",
    title="Linearity",
    description="Response against light at one bias and some wavelengths; pixels that answer.",
    version="1",
    axes=(BIAS_AXIS, TEMPERATURE_AXIS, LIGHT_AXIS, WAVELENGTH),
    typical=Condition(wavelength_nm=470.0, light=100.0),
    parameters=(
        Parameter(
            key="light",
            title="Light settings",
            kind="numbers",
            default=[0.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0],
            minimum=0,
            maximum=100_000,
            help="Mean number of photons a pulse and channel; 0 measures the pedestal.",
        ),
        Parameter(
            key="wavelengths_nm",
            title="Wavelengths",
            kind="numbers",
            default=[405.0, 470.0],
            unit="nm",
            minimum=200,
            maximum=1000,
        ),
        Parameter(
            key="bias_v",
            title="Bias",
            kind="number",
            default=71.6,
            unit="V",
            minimum=0,
            maximum=100,
        ),
        Parameter(
            key="events",
            title="Triggers at each point",
            kind="integer",
            default=2000,
            minimum=100,
            maximum=100_000,
        ),
    ),
    quantities=(
        Quantity(
            key="response_pe",
            title="Response",
            symbol="n",
            unit="p.e.",
            conditional=True,
            headline=True,
            bounds=(0, None),
        ),
        Quantity(
            key="pixels_answering",
            title="Pixels that answer",
            symbol="N",
            unit="",
            also_called=("active pixels", "n_fired max"),
            conditional=True,
            headline=True,
            bounds=(0, None),
        ),
    ),
    charts=(
        Chart(
            key="response",
            title="Response against light",
            quantities=("response_pe",),
            kind="against",
            x="light",
        ),
        Chart(
            key="pixels",
            title="Pixels that answer",
            quantities=("pixels_answering",),
            kind="map",
        ),
    ),
    limits=(
        LimitDefault(
            quantity="pixels_answering",
            pass_low=3000,
            warn_low=2500,
            at=Condition(wavelength_nm=470.0),
            reason="A channel of 3600 pixels that is lit evenly has nearly all of them.",
        ),
    ),
    foreign=(
        ForeignKind(
            kind="charge",
            axes=(BIAS_AXIS, TEMPERATURE_AXIS, LIGHT_AXIS, WAVELENGTH),
            needed=("bias_v", "temperature_c", "light", "wavelength_nm"),
            mappings=(PHOTONS,),
        ),
    ),
    demonstration=Demonstration(parameters={"events": 400}),
    program_module="mppcqa_stage_linearity.program",
    analysis=analyse,
)

__all__ = ["STAGE"]
