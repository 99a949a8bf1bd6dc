"""Bad files end in a named error; `benchmarks/fuzz.py` does the same two thousand times."""

from tests.runfile.fuzzing import MEMORY_BYTES, fuzz


def test_bad_files_are_named_and_never_believed() -> None:
    result = fuzz([(20261124, i) for i in range(100)])
    assert result["bad"] == []
    assert result["named"] > 50
    assert result["peak_memory_mb"] * 1e6 < MEMORY_BYTES


def test_what_once_took_minutes_or_passed_is_named() -> None:
    # A header that counts millions of fields, a run 1e308, types that are made of themselves; a
    # tree that is another in the list of objects; a branch by another name; no slots.
    result = fuzz([(2711, 279), (2711, 1693), (2711, 1780), (2712, 152), (31, 1321), (32, 207)])
    assert (result["bad"], result["named"]) == ([], 6)
