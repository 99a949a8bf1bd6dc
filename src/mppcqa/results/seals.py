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
        wanted = list(group)
        n = sum(len(block) for block in blocks)
        stated = sum(values for _analysis, values, _hash in wanted)
        if n != stated:
            yield analysis, f"{n} values where {stated} were written"
            continue
        columns = MeasurementColumns.join(blocks).in_key_order()
        start = 0
        for _analysis, values, sha256 in wanted:
            if digest(columns, start, start + values) != sha256:
                device = int(columns.device[start])
                yield analysis, f"values from device {device} on were changed"
                break
            start += values


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
