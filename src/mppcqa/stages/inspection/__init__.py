"""Incoming inspection: what eyes and a microscope find on a device before it is measured."""

from mppcqa.stages.base import DeclaredStage
from mppcqa.stages.checklist import Step, analyse_checklist, quantities_of
from mppcqa.stages.protocol import LimitDefault

STEPS = (
    Step(
        key="package_condition",
        title="Condition of the package",
        symbol="package",
        instruction="Look at the box and the bag before anything is opened. Is the bag sealed, "
        "the desiccant dry, the box without dents?",
        kind="choice",
        choices=("as it should be", "marks of transport", "open, wet or crushed"),
        pictured=True,
    ),
    Step(
        key="label_condition",
        title="Label and papers",
        symbol="label",
        instruction="Compare the serial number on the device with the label of its bag and the "
        "maker's sheet.",
        kind="choice",
        choices=("they agree", "hard to read", "they do not agree"),
    ),
    Step(
        key="bent_pins",
        title="Bent or missing pins",
        symbol="N(pins)",
        instruction="Ground yourself first. Turn the device over and count the pins that are bent, "
        "missing or dirty. Do not touch the window.",
        kind="count",
        pictured=True,
    ),
    Step(
        key="window_scratches",
        title="Scratches on the window",
        symbol="N(scratches)",
        instruction="Under the microscope, with light from the side, count the scratches over "
        "active cells. Mark each on the photograph.",
        kind="count",
        pictured=True,
    ),
    Step(
        key="resin_bubbles",
        title="Bubbles and particles in the resin",
        symbol="N(bubbles)",
        instruction="Under the microscope, with light from above, count bubbles and particles over "
        "active cells. Dust that an air blower takes away does not count.",
        kind="count",
        pictured=True,
    ),
    Step(
        key="cracks",
        title="Cracks and chipped edges",
        symbol="N(cracks)",
        instruction="Go once around the edge and over the carrier. Count cracks and chips.",
        kind="count",
        pictured=True,
    ),
)
STAGE = DeclaredStage(
    key="inspection",
    title="Incoming inspection",
    description="A checklist before the first measurement: package, papers, pins and window, with "
    "photographs of what was found.",
    version="1",
    parameters=(),
    axes=(),
    quantities=quantities_of(STEPS),
    charts=(),
    limits=(
        LimitDefault(
            quantity="package_condition",
            pass_high=0.0,
            warn_high=1.0,
            reason="Marks of transport are worth a look; an open or wet package leaves no device "
            "trusted.",
        ),
        LimitDefault(
            quantity="label_condition",
            pass_high=0.0,
            warn_high=1.0,
            reason="Values of the maker belong to the serial number on the device, or to none.",
        ),
        LimitDefault(
            quantity="bent_pins",
            pass_high=0.0,
            reason="A bent pin breaks in the socket, or makes a bad contact there.",
        ),
        LimitDefault(
            quantity="window_scratches",
            pass_high=0.0,
            warn_high=2.0,
            reason="One or two fine scratches take less light than the spread of the efficiency; "
            "more point at handling that may have harmed the cells.",
        ),
        LimitDefault(
            quantity="resin_bubbles",
            pass_high=0.0,
            warn_high=2.0,
            reason="A bubble scatters light away from some tens of cells.",
        ),
        LimitDefault(
            quantity="cracks",
            pass_high=0.0,
            reason="A crack grows when the device is cooled.",
        ),
    ),
    checklist=STEPS,
    program_module="",
    analysis=analyse_checklist(STEPS),
)

__all__ = ["STAGE", "STEPS"]
