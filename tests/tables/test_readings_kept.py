"""Files are read, or refused, as they were: who changes it says so, by recording it.

Each family's file, and what one mutation of each kind makes of it: the mapping with its reasons and
doubts, conditions, numbers, facts, notes, or the words of the refusal.
``MPPCQA_RECORD=1 pytest tests/tables/test_readings_kept.py`` writes `readings.json` anew;
what changed in it is read before it is committed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from django.utils.translation import override

from mppcqa.tables import TableError
from mppcqa.tables.measured import OWN, Measured
from mppcqa.tables.propose import propose
from mppcqa.tables.reading import read_foreign
from tests.kept import Kept
from tests.tables.families import FAMILIES, Family
from tests.tables.fuzzing import cut, mapping_for, mutations_of, numbers_of

KEPT = Kept(Path(__file__).with_name("readings.json"))
NUMBER = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e[-+]?\d+")
READ = [one for one in FAMILIES if one.own is None]
LIKE = "as the whole file"


def variants(family: Family, path: Path) -> Iterator[tuple[str, bytes]]:
    """Name and content: the file, and what mutations make of it.

    Of files that hold the hour at which they were written, only their beginning.
    """
    data = path.read_bytes()
    yield "whole", data
    mutations = [one for one, _due in mutations_of(family)] if family.text else [cut]
    for mutation in mutations:
        rng = np.random.default_rng(crc32(f"{family.name} {mutation.__name__}".encode()))
        yield mutation.__name__, mutation(data, rng)


def told(path: Path, family: Family, mapping: Any) -> list[str]:
    """All that a person is told of a file, and its numbers in short."""
    lines = []
    try:
        found = propose(path)
        lines += [f"mapping {found.mapping}", f"certain {found.certain}"]
        lines += [f"reason {one}" for one in found.reasons]
        lines += [f"doubt {one}" for one in found.doubts]
    except TableError as error:
        lines.append(f"not proposed: {error}")
    try:
        parts = read_foreign(path, mapping)
    except TableError as error:
        return [*lines, f"refused: {error}"]
    for part in parts:
        lines += _of_part(part)
    return lines


def _of_part(part: Measured) -> Iterator[str]:
    at = {key: part.at(key) for key in (*OWN, *part.others)}
    known = {key: float(value) for key, value in at.items() if np.isfinite(value)}
    yield f"{part.kind} {part.channels} {part.serial} {known}"
    yield f"sign {part.signal_sign}, channel known: {part.channel_known}"
    for key, values in numbers_of([part]).items():
        yield f"{key} {values.shape} {_short(values)}"
    yield from (f"fact {key}: {value}" for key, value in part.facts.items())
    yield from (f"note {one}" for one in part.notes)
    yield from (f"asked {one}" for one in part.doubts)


def _short(values: Any) -> list[float]:
    """The ends, and two sums that weigh each number differently."""
    flat = np.asarray(values, float).ravel()
    if not len(flat):
        return []
    weights = np.cos(np.arange(len(flat)))
    return [float(one) for one in (flat[0], flat[-1], flat.sum(), (weights * flat).sum())]


def moved(new: str, old: str) -> bool:
    """Whether two lines differ by more than the last digits of numbers."""
    if NUMBER.sub("", new) != NUMBER.sub("", old):
        return True
    now, then = ([float(one) for one in NUMBER.findall(line)] for line in (new, old))
    return not np.allclose(now, then, rtol=1e-5, atol=1e-12)


@pytest.mark.parametrize(
    "family", [one for one in FAMILIES if one.own is None], ids=lambda one: one.name
)
def test_a_file_is_read_or_refused_as_it_was(family: Family, tmp_path: Path) -> None:
    whole = tmp_path / "whole" / family.name
    whole.parent.mkdir()
    family.make(whole)
    found: dict[str, Any] = {}
    with override("en"):
        mapping = mapping_for(family, whole)
        for name, data in variants(family, whole):
            path = tmp_path / name / family.name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
            lines = [line.replace(str(tmp_path), "FOLDER") for line in told(path, family, mapping)]
            found[name] = lines if lines != found.get("whole") else LIKE
    assert len(found["whole"]) > 2
    before = KEPT.hold(family.name, found)
    assert sorted(found) == sorted(before)
    for name, lines in found.items():
        assert (lines == LIKE) == (before[name] == LIKE), name
        if lines != LIKE:
            assert len(lines) == len(before[name]), name
            assert not [pair for pair in zip(lines, before[name], strict=True) if moved(*pair)], (
                name
            )
