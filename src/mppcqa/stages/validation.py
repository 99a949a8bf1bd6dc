"""Is this a stage that the house can use? Asked of what other packages bring, when it is loaded."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from mppcqa.stages.axes import Axis
from mppcqa.stages.checklist import checklist_faults
from mppcqa.stages.foreign import ForeignKind
from mppcqa.stages.protocol import (
    Chart,
    Demonstration,
    Kind,
    LimitDefault,
    Parameter,
    Quantity,
    Scope,
    Stage,
)
from mppcqa.stages.surveys import Survey
from mppcqa.tables.errors import TableError
from mppcqa.tables.mapping_document import mapping_from_json
from mppcqa.tables.units import by_prefix

_KEY = re.compile(r"[a-z0-9][a-z0-9_-]*")
_MEMBERS = tuple(sorted(name for name in dir(Stage) if not name.startswith("_")))
_CHARTS = ("against", "map", "distribution")
_LONGEST = {"key": 50, "title": 100, "version": 50}
_LONGEST_AXIS = {"key": 40, "title": 100, "unit": 20}
_AXIS = re.compile(r"[a-z][a-z0-9_]*")
_LONGEST_QUANTITY = {"key": 60, "title": 100, "symbol": 30, "unit": 20}


def stage_faults(stage: Any) -> list[str]:
    """Everything that is wrong with a stage, in words; what it raises goes up."""
    missing = [name for name in _MEMBERS if not hasattr(stage, name)]
    if missing:
        return [f"it is no stage: {type(stage).__name__} has no {', '.join(missing)}"]
    faults = [*_text_faults("the stage", stage, _LONGEST)]
    if isinstance(stage.key, str) and not _KEY.fullmatch(stage.key):
        faults.append(f"its key {stage.key!r} must be small letters, digits, - and _")
    functions = ("program", "clean", "clean_settings", "analyse")
    faults += [
        f"{name} can't be called" for name in functions if not callable(getattr(stage, name))
    ]
    for name, kind in (
        ("axes", Axis),
        ("parameters", Parameter),
        ("settings", Parameter),
        ("quantities", Quantity),
        ("charts", Chart),
        ("limits", LimitDefault),
    ):
        faults += _list_faults(name, getattr(stage, name), kind)
    if not isinstance(stage.demonstration, Demonstration):
        faults.append(f"demonstration is no Demonstration but {type(stage.demonstration).__name__}")
    if not all(isinstance(one, ForeignKind) for one in stage.foreign):
        faults.append("foreign holds something that is no ForeignKind")
    if stage.survey is not None and not isinstance(stage.survey, Survey):
        faults.append(f"survey is no Survey but {type(stage.survey).__name__}")
    faults += checklist_faults(stage.checklist)
    # The rest asks what these are; it would only repeat that they are not.
    return faults or [
        *_parameter_faults(stage),
        *_quantity_faults(stage),
        *_program_faults(stage),
        *_foreign_faults(stage),
    ]


def _text_faults(what: str, one: Any, longest: dict[str, int]) -> Iterable[str]:
    for name, limit in longest.items():
        text = getattr(one, name)
        if not isinstance(text, str):
            yield f"{name} of {what} is no text but {type(text).__name__}"
        elif len(text) > limit or (name in ("key", "title", "version") and not text.strip()):
            yield f"{name} of {what} must have 1 to {limit} characters, not {len(text)}"


def _list_faults(name: str, values: Any, kind: type) -> Iterable[str]:
    if not isinstance(values, tuple | list):
        yield f"{name} are no tuple but {type(values).__name__}"
        return
    odd = [one for one in values if not isinstance(one, kind)]
    if odd:
        yield f"{name} hold a {type(odd[0]).__name__} that is no {kind.__name__}"
        return
    if kind is LimitDefault:
        return
    for key, number in Counter(one.key for one in values).items():
        if number > 1:
            yield f"{name} name {key!r} {number} times"


def _parameter_faults(stage: Stage) -> Iterable[str]:
    for parameter in (*stage.parameters, *stage.settings):
        if parameter.kind not in get_args(Kind):
            yield f"parameter {parameter.key!r} is of no kind that there is: {parameter.kind!r}"
    for name in ("clean", "clean_settings"):
        try:
            json.dumps(getattr(stage, name)({}), allow_nan=False)
        except (TypeError, ValueError) as error:
            yield f"{name} does not take the stage's own defaults: {error}"


def _quantity_faults(stage: Stage) -> Iterable[str]:
    known = {quantity.key for quantity in stage.quantities}
    for quantity in stage.quantities:
        what = f"quantity {quantity.key!r}"
        yield from _text_faults(what, quantity, _LONGEST_QUANTITY)
        if quantity.scope not in get_args(Scope):
            yield f"{what} has no scope that there is: {quantity.scope!r}"
        yield from _scale_faults(what, quantity)
        if len(quantity.bounds) != 2:
            yield f"{what} must have two bounds"
    axes = {axis.key for axis in stage.axes}
    for axis in stage.axes:
        yield from _text_faults(f"axis {axis.key!r}", axis, _LONGEST_AXIS)
        if not _AXIS.fullmatch(axis.key):
            yield f"the axis {axis.key!r} must be named by small letters, digits and _"
    for chart in stage.charts:
        if chart.kind == "against" and chart.x not in axes:
            yield f"chart {chart.key!r} is drawn over {chart.x!r}, which is none of its axes"
        if chart.kind not in _CHARTS:
            yield f"chart {chart.key!r} is of no kind that there is: {chart.kind!r}"
        if unknown := set(chart.quantities) - known:
            yield f"chart {chart.key!r} shows {', '.join(sorted(unknown))}, which it does not yield"
    for limit in stage.limits:
        if limit.quantity not in known:
            yield f"a limit is on {limit.quantity!r}, which it does not yield"
        yield from _place_faults(f"the limit on {limit.quantity!r} judges at", limit.at, axes)
    yield from _place_faults("its typical condition is at", stage.typical, axes)


def _scale_faults(what: str, quantity: Quantity) -> Iterable[str]:
    """A scale the wrong way round makes what people read wrong by its square."""
    scale, shown = quantity.display_scale, quantity.display_unit
    if not math.isfinite(scale) or scale <= 0:
        yield f"{what} has the display scale {scale}"
    elif not shown and scale != 1:
        yield f"{what} has the display scale {scale:g} and no display unit"
    elif shown:
        due = by_prefix(quantity.unit, shown)
        if due is not None and not math.isclose(scale, due, rel_tol=1e-6):
            told = quantity.unit or "(a pure number)"
            yield (
                f"{what} has the display scale {scale:g}, but 1 {told} is {due:g} {shown}: "
                f"display_scale={due:g}"
            )


def _place_faults(what: str, at: Any, axes: set[str]) -> Iterable[str]:
    """A place on an axis that no value has: nothing would ever be found there."""
    if not isinstance(at, Mapping):
        yield f"{what} no Condition but a {type(at).__name__}"
        return
    for key, value in at.items():
        if key not in axes:
            there = ", ".join(sorted(axes)) or "none"
            yield f"{what} {key!r}, which is none of its axes ({there})"
        elif isinstance(value, bool) or not math.isfinite(value):
            yield f"{what} {key} = {value}, which is no number"


def _program_faults(stage: Stage) -> Iterable[str]:
    program = stage.program()
    try:
        stage.clean(stage.demonstration.parameters)
    except ValueError as error:
        yield f"clean does not take the parameters of its demonstration: {error}"
    if not isinstance(program, list) or not all(isinstance(part, str) for part in program):
        yield "program() gives no list of texts"
    elif program and stage.checklist:
        yield "it has a test program and a checklist; one of them measures"
    if unknown := {one.key for one in stage.checklist} - {one.key for one in stage.quantities}:
        yield f"the checklist yields {', '.join(sorted(unknown))}, which are no quantities of it"


def _foreign_faults(stage: Stage) -> Iterable[str]:
    for kind in stage.foreign:
        what = f"foreign files of kind {kind.kind!r}"
        keys = {axis.key for axis in kind.axes}
        if unknown := keys - {axis.key for axis in stage.axes}:
            yield f"{what} have the axes {', '.join(sorted(unknown))}, which the stage has not"
        if unknown := set(kind.needed) - keys:
            yield f"{what} need {', '.join(sorted(unknown))}, which they do not have"
        for mapping in kind.mappings:
            try:
                mapping_from_json(mapping.as_json())
            except TableError as error:
                yield f"the mapping {mapping.name!r}: {error}"
            if mapping.stage != stage.key:
                yield f"the mapping {mapping.name!r} must say the stage {stage.key!r}"
