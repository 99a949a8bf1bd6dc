"""Whether measured values are those that were written, by the hashes that were kept of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mppcqa.results.bulk_values import MeasurementColumns, digest, seal_values
from mppcqa.results.models import Analysis, ValuesSeal
from mppcqa.results.reading import analysis_blocks


def check_values() -> Iterator[tuple[int, str]]:
    """Each analysis whose values are not those that were written: its number, and what is wrong.

    Reads the whole big table. Analyses of before there were seals are told of by `unsealed`.
    """
    seals = ValuesSeal.objects.order_by("analysis_id", "first_device", "id").values_list(
        "analysis_id", "values", "sha256"
    )
    for analysis, group in groupby(seals.iterator(), key=lambda seal: seal[0]):
        blocks = list(analysis_blocks([analysis]))
        wanted = [(values, sha256) for _analysis, values, sha256 in group]
        if text := fault_of(blocks, wanted):
            yield analysis, text


def fault_of(blocks: list[MeasurementColumns], wanted: list[tuple[int, str]]) -> str:
    """What is wrong with the values of one analysis; empty where nothing is.

    `blocks` are all of them; `wanted` says how many were written and their hash, a seal each, in
    the order of the big table's key.
    """
    n, stated = sum(len(block) for block in blocks), sum(values for values, _hash in wanted)
    if n != stated:
        return f"{n} values where {stated} were written"
    if not n:
        return ""
    columns = MeasurementColumns.join(blocks).in_key_order()
    start = 0
    for values, sha256 in wanted:
        if digest(columns, start, start + values) != sha256:
            return f"values from device {int(columns.device[start])} on were changed"
        start += values
    return ""


def unsealed() -> list[int]:
    """Analyses with values and no seal: written by an older version."""
    rows = Analysis.objects.filter(values__gt=0, seals=None).order_by("pk")
    return list(rows.values_list("pk", flat=True))


def seal_old() -> int:
    """Keep hashes of values that an older version wrote, as they are now; returns of how many."""
    done = 0
    for analysis in unsealed():
        blocks = list(analysis_blocks([analysis]))
        if blocks:
            seal_values(MeasurementColumns.join(blocks).in_key_order())
            done += 1
    return done
