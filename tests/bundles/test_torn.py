"""Reports and bundles whose process is killed, or whose disk is full, in the midst of the file."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from mppcqa.bundles.making import make
from mppcqa.inventory.models import Device
from mppcqa.reports.archive import save_report
from mppcqa.reports.models import Report
from tests.bundles.elsewhere import ship
from tests.workers import child_environment

KILLED = """
import os, signal
from django.core.files.base import File

def half(self, size=None):
    self.seek(0)
    data = self.read()
    yield data[: len(data) // 2]
    os.kill(os.getpid(), signal.SIGKILL)

File.chunks = half
"""
FULL = """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
"""
KEEP = """
from mppcqa.inventory.models import Device
from mppcqa.reports.archive import save_report
save_report("certificate", Device.objects.get(serial="GX-000"))
"""


def child(*parts: str) -> subprocess.CompletedProcess[str]:
    """A process on the test database that does one thing after the other."""
    code = "from mppcqa.cli import setup_django; setup_django()\n" + "\n".join(parts)
    return subprocess.run(
        [sys.executable, "-c", code], env=child_environment(), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def files(folder: str) -> set[str]:
    """What stands under a whole name in the store, of tests before too."""
    there = Path(default_storage.path(folder))
    return {str(one) for one in there.rglob("*") if one.suffix in (".pdf", ".zip")}


@pytest.mark.django_db(transaction=True)
def test_a_torn_report_or_bundle_leaves_nothing_and_is_made_again(tmp_path: Path) -> None:
    shipment, first = ship(certificates=False)
    bundles, reports = files("bundles"), files("reports")
    killed = child(KILLED, KEEP)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    full = child(FULL, KEEP)
    assert full.returncode == 1
    assert "File too large" in full.stderr
    assert not Report.objects.exists()
    assert files("reports") == reports
    report = save_report("certificate", Device.objects.get(serial="GX-000"))
    assert files("reports") - reports == {report.file.path}

    # The command line says it in a line, and leaves no file there.
    out = f"['bundle', 'out', '{shipment.pk}', '--output', {str(tmp_path)!r}]"
    told = child(FULL, f"from mppcqa.cli import main; main({out})")
    assert told.returncode == 1
    assert told.stderr.startswith("Error: "), told.stderr
    assert "File too large" in told.stderr
    assert "Traceback" not in told.stderr
    torn = child(KILLED, f"from mppcqa.cli import main; main({out})")
    assert torn.returncode == -signal.SIGKILL
    assert [one for one in tmp_path.iterdir() if one.suffix == ".zip"] == []
    assert files("bundles") == bundles
    again = make(shipment, certificates=True)
    assert again.pk != first.pk
    assert Path(again.file.path).stat().st_size > first.size
    assert Path(settings.MPPCQA_HOME).is_dir()
