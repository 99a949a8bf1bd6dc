"""`mppcqa bundle` as it is typed: out of one installation, looked at in another, taken in."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mppcqa.inventory.models import Device
from tests.bundles.elsewhere import sent
from tests.workers import child_environment


def typed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mppcqa.cli", "bundle", *words],
        env=child_environment(COLUMNS="200"), capture_output=True, text=True, timeout=120,
        check=False,
    )  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_bundle_is_looked_at_and_taken_in(tmp_path: Path) -> None:
    came = sent(tmp_path / "santiago")
    path = tmp_path / "came.zip"
    path.write_bytes(came.data)
    unknown = typed("in", str(path))
    assert unknown.returncode == 1
    assert "not registered" in unknown.stderr
    trusted = typed("trust", came.card, "--fingerprint", came.fingerprint)
    assert trusted.returncode == 0, trusted.stderr
    assert "Santiago" in trusted.stdout
    looked = typed("in", "--look", str(path))
    assert looked.returncode == 0, looked.stderr
    assert "number 1" in looked.stdout
    assert not Device.objects.exists(), "it was only looked at"
    taken = typed("in", str(path))
    assert taken.returncode == 0, taken.stderr
    assert sorted(Device.objects.values_list("serial", flat=True)) == came.devices
    assert taken.stdout == looked.stdout, "what was shown is what was done"
    again = typed("in", str(path))
    assert again.returncode == 1
    assert "Traceback" not in again.stderr
