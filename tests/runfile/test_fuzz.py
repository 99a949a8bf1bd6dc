"""Bad files end in a named error; `benchmarks/fuzz.py` does the same two thousand times."""

from tests.runfile.fuzzing import MEMORY_BYTES, fuzz


def test_bad_files_are_named_and_never_believed() -> None:
    result = fuzz(seed=20261124, count=100)
    assert result["bad"] == []
    assert result["named"] > 50
    assert result["peak_memory_mb"] * 1e6 < MEMORY_BYTES
