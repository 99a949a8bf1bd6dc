"""What a stage of testing is, and the stages that are installed.

A stage is one folder (or one package with an entry point in the group ``mppcqa.stages``) that
declares its parameters, quantities and charts, names its test program and knows how to turn a run
file into values. Forms, pages, limits and report sections follow from what it declares.
"""

from mppcqa.stages.protocol import (
    AnalysisResult,
    Chart,
    Condition,
    LimitDefault,
    Parameter,
    Problem,
    Quantity,
    Result,
    Stage,
)
from mppcqa.stages.registry import all_stages, get_stage

__all__ = [
    "AnalysisResult",
    "Chart",
    "Condition",
    "LimitDefault",
    "Parameter",
    "Problem",
    "Quantity",
    "Result",
    "Stage",
    "all_stages",
    "get_stage",
]
