"""A format of exports is one file: page, command and download find it by one list."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner
from django.test import Client

from mppcqa.cli import main
from mppcqa.exchange import writers
from mppcqa.exchange.models import Export
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType

LINES = """
from mppcqa.exchange.writers.base import Writer

def write(path, schema, batches):
    with path.open("w") as file:
        for batch in batches:
            for row in batch.to_pylist():
                print(row["serial"], file=file)

WRITER = Writer("lines", "Serial numbers", "lines", write, "text/plain", 60)
"""


@pytest.fixture
def one_more(tmp_path: Path) -> Iterator[None]:
    """A format whose one file lies in the package."""
    (tmp_path / "lines.py").write_text(LINES)
    writers.__path__.append(str(tmp_path))
    writers.writers.cache_clear()
    yield
    writers.__path__.remove(str(tmp_path))
    sys.modules.pop("mppcqa.exchange.writers.lines", None)
    writers.writers.cache_clear()


def test_a_format_is_one_file(one_more: None, browser_client: Client, tmp_path: Path) -> None:
    DeviceType.objects.create(name="S", rows=1, columns=1)
    register_devices([{"serial": f"S-{n}", "device_type": "S"} for n in range(3)])
    said = CliRunner().invoke(main, ["export", "devices", str(tmp_path / "all.lines")])
    assert said.exit_code == 0, said.output
    assert (tmp_path / "all.lines").read_text().split() == ["S-0", "S-1", "S-2"]
    assert "Serial numbers" in browser_client.get("/exports/?what=devices").content.decode()
    answer = browser_client.post("/exports/", {"what": "devices", "form": "lines"})
    assert answer.headers["Content-Type"] == "text/plain"
    assert Export.objects.get().filename.endswith(".lines")


def test_formats_that_come_with_the_program() -> None:
    ours = ["csv", "excel", "parquet", "root", "documents"]
    assert [one for one in writers.writers() if one in ours] == ours
    assert writers.by_suffix()[".xlsx"] == "excel"
    with pytest.raises(writers.ExportRefused, match="csv, excel"):
        writers.write_file("word", Path("x"), pa.schema([]), [])
