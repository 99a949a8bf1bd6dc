"""What attributes of an HDF5 file, of its groups and of datasets say of what was measured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from mppcqa.tables.conditions import KEYS, NAMED, in_header, is_about
from mppcqa.tables.mapping import Column
from mppcqa.tables.numbers import to_number
from mppcqa.tables.words import say as _

OF_THE_FORMAT = (
    *("CLASS", "NAME", "REFERENCE_LIST", "DIMENSION_LIST", "_NCProperties", "_Netcdf4Dimid"),
    *("MATLAB_class", "MATLAB_fields", "units", "unit", "PAGENAME", "TITLE", "VERSION"),
)
MOST = 100
LONGEST = 200


def texts_of(attributes: Any) -> dict[str, str]:
    """Attributes of one number or text each, as lines of a header have them."""
    found: dict[str, str] = {}
    for key, value in list(attributes.items())[:MOST]:
        one = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
        one = one.item() if isinstance(one, np.generic) else one
        if isinstance(one, bytes):
            one = one.decode("utf-8", "replace")
        if key not in OF_THE_FORMAT and isinstance(one, str | int | float):
            found[str(key)] = str(one)[:LONGEST]
    return found


def above(file: Any, place: str) -> dict[str, str]:
    """Attributes of the file and of each group or table down to `place`; the nearest holds."""
    found = texts_of(file.attrs)
    parts = [part for part in place.split("/") if part]
    for depth in range(1, len(parts) + 1):
        item = file.get("/".join(parts[:depth]))
        if item is not None:
            found = _nearer(found, texts_of(item.attrs))
    return found


def _nearer(there: dict[str, str], here: dict[str, str]) -> dict[str, str]:
    """Texts of two levels: what the nearer one says of a condition, whatever it calls it, holds."""
    said = [name for name in KEYS if any(is_about(name, key) for key in here)]
    kept = {k: v for k, v in there.items() if not any(is_about(name, k) for name in said)}
    return {**kept, **here}


def of_datasets(
    columns: list[tuple[Column, dict[str, str]]],
) -> tuple[list[Column], dict[str, str], list[str]]:
    """Columns at the conditions that their own attributes say; what they agree on; and notes."""
    told, notes = [], []
    for column, texts in columns:
        at = {}
        for name, value, text in _conditions(column, texts):
            at[name] = value
            notes.append(text)
        told.append(replace(column, at={**at, **column.at}))
    shared: dict[str, str] = {}
    for key in dict.fromkeys(key for _column, texts in columns for key in texts):
        values = {texts[key] for _column, texts in columns if key in texts}
        if len(values) == 1:
            shared[key] = values.pop()
    return told, shared, notes


def _conditions(column: Column, texts: Mapping[str, str]) -> Iterator[tuple[str, float, str]]:
    for name in NAMED:
        there = in_header(name, texts)
        if there is not None and not (name == "bias_v" and column.role == "bias_v"):
            words = {"name": name, "value": there.value, "place": column.source}
            yield name, there.value, _("%(name)s = %(value)g: an attribute of %(place)s") % words


SCALE, OFFSET = "scale_factor", "add_offset"
"""Attributes by which NetCDF's and CF's conventions keep numbers as whole ones."""
SCALES = re.compile(
    r"(?i)(scale|scaling|slope|multiplier|lsb|(volts?|v)_per_(count|adc|lsb))(_\w)?"
)
"""Attributes that may say the same, and mean it or not."""


def stored_scale(attributes: Any) -> tuple[float, float]:
    """Factor and offset of a dataset's numbers by `SCALE` and `OFFSET`."""
    texts = texts_of(attributes)
    found = [to_number(texts[key], ".") if key in texts else None for key in (SCALE, OFFSET)]
    return (1.0 if found[0] is None else found[0]), (found[1] or 0.0)


def scale_doubts(columns: list[tuple[Column, dict[str, str]]]) -> list[str]:
    """What is to ask of numbers beside an attribute that may be their scale."""
    text = _(
        "%(place)s has the attribute %(key)s = %(value)s, which is not applied: is it right so?"
    )
    return [
        text % {"place": column.source, "key": key, "value": value}
        for column, texts in columns
        for key, value in texts.items()
        if SCALES.fullmatch(key) and to_number(value, ".") not in (None, 1.0)
    ]
