"""A damaged Parquet file is refused with words, wherever it is damaged; no process dies of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mppcqa.tables import TableError, parquet
from mppcqa.tables.source import Reading

READ = """
import sys
from pathlib import Path
from mppcqa.tables import TableError
from mppcqa.tables.parquet import ParquetSource
from mppcqa.tables.source import Reading

path = Path(sys.argv[1])
data = path.read_bytes()
refused = 0
for at in range(len(data)):
    for value in (0, 1, 0x15, 0xFF):
        path.write_bytes(data[:at] + bytes([value]) + data[at + 1 :])
        try:
            for chunk in ParquetSource(path, Reading()).chunks():
                pass
        except TableError as error:
            assert str(error).strip()
            refused += 1
print(refused)
"""
"""In a process of its own: Arrow ended it where a column was described wrongly."""


def test_no_changed_byte_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "iv.parquet"
    pq.write_table(pa.table({"V": [50.0, 51.0, None], "I": [1e-9, 2e-9, 3e-9]}), path)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert int(done.stdout) > 1000


def test_more_groups_of_rows_than_anybody_writes_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "iv.parquet"
    pq.write_table(pa.table({"V": [50.0, 51.0, 52.0]}), path, row_group_size=1)
    monkeypatch.setattr(parquet, "MAX_GROUPS", 2)
    with pytest.raises(TableError, match="more than 2 groups of rows"):
        parquet.ParquetSource(path, Reading())
