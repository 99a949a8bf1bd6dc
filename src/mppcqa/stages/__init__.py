"""What a stage of testing is, and the stages that are installed.

A stage is one folder (or one package with an entry point in the group ``mppcqa.stages``) that
declares its parameters, quantities and charts, names its test program and knows how to turn a run
file into values. Forms, pages, limits and report sections follow from what it declares.
"""

from mppcqa.stages.axes import Axis
from mppcqa.stages.checklist import Step
from mppcqa.stages.conditions import ANYWHERE, Condition, at_volts
from mppcqa.stages.foreign import ForeignKind
from mppcqa.stages.numbers import ABOVE, BELOW
from mppcqa.stages.protocol import (
    AnalysisResult,
    Chart,
    Demonstration,
    Fit,
    LimitDefault,
    Parameter,
    Problem,
    Quantity,
    Result,
    SharedPart,
    Stage,
)
from mppcqa.stages.registry import (
    BrokenStage,
    UnknownStage,
    all_axes,
    all_stages,
    broken_stages,
    get_axis,
    get_stage,
)
from mppcqa.stages.surveys import Survey, SurveyedDevice, SurveyedTray, SurveyFault

__all__ = [
    "ABOVE",
    "ANYWHERE",
    "BELOW",
    "AnalysisResult",
    "Axis",
    "BrokenStage",
    "Chart",
    "Condition",
    "Demonstration",
    "Fit",
    "ForeignKind",
    "LimitDefault",
    "Parameter",
    "Problem",
    "Quantity",
    "Result",
    "SharedPart",
    "Stage",
    "Step",
    "Survey",
    "SurveyFault",
    "SurveyedDevice",
    "SurveyedTray",
    "UnknownStage",
    "all_axes",
    "all_stages",
    "at_volts",
    "broken_stages",
    "get_axis",
    "get_stage",
]
