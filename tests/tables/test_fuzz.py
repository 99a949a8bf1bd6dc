"""Mutated files of every family; ``make fuzz`` does the same two thousand times a family."""

from __future__ import annotations

from tests.tables.families import FAMILIES
from tests.tables.fuzzing import MEMORY_BYTES, fuzz


def test_no_mutated_file_gives_a_wrong_number() -> None:
    result = fuzz(24, 20261128)
    assert result["faults"] == []
    assert result["families"] == len(FAMILIES)
    assert result["refused"] > result["mutations"] // 3
    assert result["peak_memory_mb"] * 1e6 < MEMORY_BYTES
