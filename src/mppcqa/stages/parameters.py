"""Checking what a person typed against what a stage declares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mppcqa.stages.protocol import Parameter


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
            if number != int(number):
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
    try:
        number = float(value.replace(",", ".") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        raise ValueError(f"{value!r} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and number < parameter.minimum:
        raise ValueError(f"{number:g}{unit} is less than {parameter.minimum:g}{unit}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise ValueError(f"{number:g}{unit} is more than {parameter.maximum:g}{unit}")
    return number
