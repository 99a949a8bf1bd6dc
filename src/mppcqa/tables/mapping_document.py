"""A mapping as a JSON document: checked as a whole, every fault named."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping as Dict
from dataclasses import replace
from typing import Any

from mppcqa.tables.errors import TableError
from mppcqa.tables.formats import formats
from mppcqa.tables.mapping import (
    AXIS,
    CONDITIONS,
    MAX_COLUMNS,
    OPTIONAL,
    ROLES,
    TAKEN,
    Column,
    Given,
    Mapping,
)
from mppcqa.tables.units import read_unit


def format_keys() -> tuple[str, ...]:
    """Formats that a mapping may name."""
    return ("table", *formats())


def mapping_from_json(document: Any) -> Mapping:
    """A checked mapping; `TableError` lists everything that is wrong with the document."""
    faults: list[str] = []
    if not isinstance(document, dict):
        raise TableError("a mapping must be a JSON object")
    known = set(Mapping.__dataclass_fields__)
    faults += [f"{key!r} is no part of a mapping" for key in document if key not in known]
    form, kind = document.get("format", "table"), document.get("kind")
    there = format_keys()
    if not isinstance(form, str) or form not in there:
        faults.append(f"format must be one of {', '.join(there)}, not {form!r}")
    if not isinstance(kind, str) or kind not in ROLES:
        faults.append(f"kind must be one of {', '.join(ROLES)}, not {kind!r}")
    name = document.get("name")
    if not isinstance(name, str) or not re.fullmatch(r"[^\x00-\x1f<>&]{1,60}", name):
        faults.append("name must be 1 to 60 letters or digits")
    axes = _axes(document.get("axes", {}), faults)
    columns = _columns(document.get("columns", ()), str(kind), axes, faults)
    whole = form == "root" and kind == "spectrum" and not columns  # a histogram by itself
    if form in ("table", "root", "hdf5") and isinstance(kind, str) and not whole:
        roles = {column.role for column in columns}
        faults += [f"no column is the {role}" for role in ROLES.get(kind, ()) if role not in roles]
    conditions = _conditions(document.get("conditions", {}), axes, faults)
    texts = {}
    for key in ("separator", "decimal", "tree", "description", "stage"):
        texts[key] = document.get(key, "")
        if not isinstance(texts[key], str):
            faults.append(f"{key} must be text")
    skip = document.get("skip_lines", 0)
    if not isinstance(skip, int) or isinstance(skip, bool) or not 0 <= skip <= 10_000:
        faults.append("skip_lines must be a whole number from 0 to 10000")
    first = document.get("channels_from", 0)
    if first not in (0, 1) or isinstance(first, bool):
        faults.append("channels_from must be 0 or 1")
    if faults:
        raise TableError("; ".join(faults))
    return Mapping(
        str(name), str(form), str(kind), columns, conditions, skip_lines=skip,
        channels_from=first, axes=axes, **texts
    )  # fmt: skip


def _axes(given: Any, faults: list[str]) -> dict[str, str]:
    if not isinstance(given, dict):
        faults.append("axes must be an object: the unit of each by its key")
        return {}
    found = {}
    for key, unit in given.items():
        if not isinstance(key, str) or not AXIS.fullmatch(key) or key in TAKEN:
            faults.append(f"the axis {key!r} must have a name of its own: small letters, digits, _")
        elif not isinstance(unit, str) or len(unit) > 20:
            faults.append(f"axis {key}: the unit must be a text of at most 20 letters")
        else:
            found[key] = unit
    return found


def _columns(given: Any, kind: str, axes: Dict[str, str], faults: list[str]) -> tuple[Column, ...]:
    if not isinstance(given, list | tuple) or len(given) > MAX_COLUMNS:
        faults.append(f"columns must be a list of at most {MAX_COLUMNS}")
        return ()
    allowed = (*ROLES.get(kind, ()), *OPTIONAL.get(kind, ()), *axes)
    columns = []
    for number, row in enumerate(given, 1):
        try:
            column = Column(**row)
            column = replace(column, axis_unit=axes.get(column.role, ""))
            well = (
                isinstance(column.source, str)
                and isinstance(column.channel, int)
                and 0 <= column.channel < 10_000
                and isinstance(column.scale, int | float)
                and math.isfinite(column.scale)
                and column.scale != 0
                and _are_conditions(column.at, axes)
            )
        except TypeError:
            well = False
        if not well:
            faults.append(
                f"column {number}: needs source, role, and may have unit, scale, channel, at"
            )
            continue
        if column.role not in allowed:
            faults.append(f"column {number}: role {column.role!r} is none of {', '.join(allowed)}")
        known = isinstance(column.unit, str) and (
            column.unit == column.axis_unit or read_unit(column.unit) is not None
        )
        if not known:
            faults.append(f"column {number}: the unit {column.unit!r} is not known")
        elif column.conversion() is None:
            due = column.due
            faults.append(f"column {number}: {column.unit!r} is no unit of {column.role} ({due})")
        columns.append(column)
    return tuple(columns)


def _are_conditions(given: Any, axes: Dict[str, str]) -> bool:
    return isinstance(given, dict) and all(
        (key in CONDITIONS or key in axes)
        and isinstance(value, int | float)
        and math.isfinite(value)
        for key, value in given.items()
    )


def _conditions(given: Any, axes: Dict[str, str], faults: list[str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    if not isinstance(given, dict):
        faults.append("conditions must be an object")
        return found
    for key, row in given.items():
        if key not in CONDITIONS and key not in axes:
            faults.append(f"condition {key!r} is none of {', '.join((*CONDITIONS, *axes))}")
            continue
        try:
            one = Given(**row)
            if len(one.file_name) > 200 or len(one.header) > 200:
                raise ValueError("more than 200 letters")
            re.compile(one.file_name)
            if any(v is not None and not math.isfinite(v) for v in (one.value, one.found)):
                raise ValueError("the value is not finite")
        except (TypeError, ValueError, re.error) as error:
            faults.append(f"condition {key}: {error}")
            continue
        found[key] = one
    return found
