"""Columns of one role that were measured at conditions of their own, as their headings say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mppcqa.tables.conditions import NAMED, Evidence, disagreement, find_condition
from mppcqa.tables.mapping import Column, Mapping
from mppcqa.tables.measured import Floats
from mppcqa.tables.rows import Rows
from mppcqa.tables.words import say as _

MAIN = {
    "iv": "current_a",
    "charge": "charge",
    "spectrum": "count",
    "waveform": "signal",
    "staircase": "rate_hz",
}
"""The role of each kind whose columns are channels, or conditions."""
PAIRED = ("bias_v", "spread_a", "spread_hz")
"""Roles that may have a column for each of the main ones."""


def by_headings(
    rows: Rows, mapping: Mapping, whole: dict[str, float]
) -> Iterator[tuple[Rows, dict[str, float]]]:
    """Rows with those columns that share conditions, and these."""
    main = [column for column, _values in rows.columns if column.role == MAIN[mapping.kind]]
    kinds = list(dict.fromkeys(tuple(sorted(_said(column, mapping).items())) for column in main))
    for kind in kinds:
        places = [n for n, one in enumerate(main) if _said(one, mapping) == dict(kind)]
        shared = {
            key: value
            for column, _values in rows.columns
            if column.role != MAIN[mapping.kind]
            for key, value in _said(column, mapping).items()
        }
        yield (
            Rows(list(_of_places(rows, places, len(main), mapping))),
            {**whole, **shared, **dict(kind)},
        )


def _of_places(
    rows: Rows, places: list[int], several: int, mapping: Mapping
) -> Iterator[tuple[Column, Floats]]:
    for role in dict.fromkeys(column.role for column, _values in rows.columns):
        columns = [(c, v) for c, v in rows.columns if c.role == role]
        chosen = role == MAIN[mapping.kind] or (role in PAIRED and len(columns) == several)
        yield from ([columns[n] for n in places] if chosen else columns)


def _said(column: Column, mapping: Mapping) -> dict[str, float]:
    """Conditions of a column that data of this kind have."""
    known = (*NAMED, *mapping.axes)
    return {
        key: value
        for key, value in column.at.items()
        if key in known and not (key == "bias_v" and mapping.kind == "iv")
    }


def doubts_of(rows: Rows, mapping: Mapping, path: Path) -> list[str]:
    """Where headings say other conditions than the header or the file's name does."""
    found = []
    for column, _values in rows.columns:
        for key, value in _said(column, mapping).items():
            there = find_condition(key, path.name, rows.facts)
            said = Evidence(value, _("the heading “%s”") % column.source)
            if there and not np.isnan(value) and (text := disagreement(key, [said, *there])):
                found.append(text)
    return list(dict.fromkeys(found))
