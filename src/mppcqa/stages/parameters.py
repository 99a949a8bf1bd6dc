"""Checking what a person typed against what a stage declares."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from mppcqa import typed
from mppcqa.stages.protocol import Parameter

MOST_WHOLE = 2**53
"""Beyond it, not every whole number is one of JSON."""

FLAGS = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0", ""), False),
}
"""How a flag is written."""


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
            return [_number(parameter, part) for part in _parts(value)]
        case "choice":
            if not isinstance(value, str) or value not in parameter.choices:
                raise ValueError(f"{_short(value)} is none of {', '.join(parameter.choices)}")
            return value
        case "flag":
            return _flag(value)
        case "text":
            if isinstance(value, bool) or not isinstance(value, str | int | float):
                raise ValueError(f"{_short(value)} is no text")
            return str(value)


def _parts(value: Any) -> list[Any]:
    """The numbers of a list, written or given; one number is a list of one."""
    if isinstance(value, str):
        parts: list[Any] = _written(value)
    elif isinstance(value, Iterable) and not isinstance(value, bytes | Mapping):
        parts = list(value)
        for one in parts:
            if isinstance(one, str) and typed.comma_between_digits(one):
                raise ValueError(_ambiguous(one))
    else:
        parts = [value]
    if not parts:
        raise ValueError("at least one number is needed")
    return parts


def _written(text: str) -> list[float]:
    try:
        return typed.numbers(text)
    except typed.NotReadable as error:
        if error.key == "comma":
            raise ValueError(_ambiguous(error.part)) from None
        raise ValueError(f"{_short(error.part)} is no number") from None


def _ambiguous(text: str) -> str:
    """A comma between digits may be a decimal one, or stand between two numbers."""
    text = text[:30]
    return (
        f"{text!r} may be one number or several; write {text.replace(',', '.')} or "
        f"{text.replace(',', ' ')}"
    )


def _flag(value: Any) -> bool:
    if isinstance(value, str):
        value = FLAGS.get(value.strip().lower(), value)
    if isinstance(value, str) or value not in (True, False):
        raise ValueError(f"{_short(value)} is neither true nor false")
    return bool(value)


def _short(value: Any) -> str:
    return repr(value)[:40]


def _number(parameter: Parameter, value: Any) -> float:
    if isinstance(value, str):
        value, written = typed.number(value), value
        if value is None:
            raise ValueError(f"{written[:30]!r} is no number")
    try:
        if isinstance(value, bool | bytes | bytearray):  # Python would take True for 1
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{_short(value)} is no number") from None
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no finite number")
    unit = f" {parameter.unit}" if parameter.unit else ""
    if parameter.minimum is not None and number < parameter.minimum:
        raise ValueError(f"{number:g}{unit} is less than {parameter.minimum:g}{unit}")
    if parameter.maximum is not None and number > parameter.maximum:
        raise ValueError(f"{number:g}{unit} is more than {parameter.maximum:g}{unit}")
    return number
