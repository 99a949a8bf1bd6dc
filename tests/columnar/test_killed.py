"""A process that is killed while it writes leaves the copy as it was before, or as it is after."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from mppcqa.columnar import files
from mppcqa.columnar.files import Layout, Piece

WRITER = """
import sys
from django.conf import settings
settings.configure(MPPCQA_COLUMNAR=sys.argv[1])
import pyarrow as pa
from mppcqa.columnar import files
from mppcqa.columnar.files import Layout, Piece
with files.changing(wait=True):
    first = files.read_layout().rows + 1
    for n in range(first, first + 100_000):
        name = files.new_name("since")
        files.write_table(pa.table({"n": [n] * n}), name)
        analyses = files.write_analyses({n: "mark"})
        files.write_layout(Layout((Piece(name, n),), analyses, rows=n))
        files.clear_former(grace_s=0.0)
        print(n, flush=True)
"""


@pytest.fixture(autouse=True)
def own_copy(tmp_path: Path, settings: Any) -> None:
    settings.MPPCQA_COLUMNAR = tmp_path / "columnar"


def test_killed_while_writing(tmp_path: Path) -> None:
    chance = random.Random(5)  # noqa: S311
    last = 0
    for _time in range(3):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(files.folder())], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            told = [int(writer.stdout.readline()) for _ in range(chance.randint(1, 9))]
            writer.send_signal(signal.SIGKILL)
        layout = files.read_layout()
        assert layout.rows >= max(told) > last
        last = layout.rows
        table = parquet.read_table(files.folder() / layout.pieces[0].name)
        assert table["n"].to_pylist() == [last] * last
        assert files.read_analyses(layout) == {last: "mark"}
    with files.changing():
        files.clear_former(grace_s=0.0)
    there = {path.name for path in files.folder().iterdir()} - {".lock", files.LAYOUT}
    assert there == layout.names


def test_one_changes_it_at_a_time() -> None:
    with files.changing(), pytest.raises(files.Busy), files.changing():
        pass


def test_what_is_read_stays_for_a_while() -> None:
    with files.changing():
        for n in (1, 2):
            name = files.new_name("since")
            files.write_table(pa.table({"n": [n]}), name)
            files.write_layout(Layout((Piece(name, 1),), rows=1))
        assert files.clear_former() == 0
        assert files.clear_former(grace_s=0.0) == 1


def test_half_a_copy_is_none() -> None:
    with files.changing():
        files.write_table(pa.table({"n": [1]}), "since-1.parquet")
        files.write_layout(Layout((Piece("since-1.parquet", 1),), rows=1))
    (files.folder() / "since-1.parquet").unlink()
    assert files.read_layout() == Layout()
    (files.folder() / files.LAYOUT).write_text("{")
    assert files.read_layout() == Layout()
