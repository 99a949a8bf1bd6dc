"""Checking what a person typed against what a stage declares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mppcqa import typed
from mppcqa.stages.protocol import Parameter

MOST_WHOLE = 2**53
"""Beyond it, not every whole number is one of JSON."""


def clean_parameters(declared: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Values by key with defaults filled in; `ValueError` lists everything that is wrong."""
    known = {parameter.key: parameter for parameter in declared}
    faults = [f"there is no parameter {key!r}" for key in given if key not in known]
    values: dict[str, Any] = {}
    for key, parameter in known.items():
        value = given.get(key, parameter.default)
        try:
            values[key] = _clean(parameter, value)
        except ValueError as error:
            faults.append(f"{parameter.title}: {error}")
    if faults:
        raise ValueError("; ".join(faults))
    return values


def _clean(parameter: Parameter, value: Any) -> Any:
    if parameter.default is None and value in (None, ""):
        return None
    match parameter.kind:
        case "integer":
            number = _number(parameter, value)
            if number != int(number) or abs(number) > MOST_WHOLE:
                raise ValueError(f"{value} is no whole number")
            return int(number)
        case "number":
            return _number(parameter, value)
        case "numbers":
            parts = value.replace(";", " ").split() if isinstance(value, str) else list(value)
            if not parts:
                raise ValueError("at least one number is needed")
            return [_number(parameter, part) for part in parts]
        case "choice":
            if value not in parameter.choices:
                raise ValueError(f"{value!r} is none of {', '.join(parameter.choices)}")
            return value
        case "flag":
            return bool(value)
        case "text":
            return str(value)


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, str):
        value, written = typed.number(value), value
        if value is None:
            raise ValueError(f"{written[:30]!r} is no number")
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{str(value)[:30]} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and number < parameter.minimum:
        raise ValueError(f"{number:g}{unit} is less than {parameter.minimum:g}{unit}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise ValueError(f"{number:g}{unit} is more than {parameter.maximum:g}{unit}")
    return number
