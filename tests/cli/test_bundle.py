"""`mppcqa bundle` as it is typed: out of one installation, looked at in another, taken in."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from mppcqa.bundles.keys import public_of_ours
from mppcqa.inventory.models import Device, Institute
from mppcqa.inventory.shipping import send
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


@pytest.mark.django_db(transaction=True)
def test_a_shipment_goes_out_into_a_folder_and_again_as_the_same_file(
    campaign: SimpleNamespace, tmp_path: Path
) -> None:
    there = Institute.objects.create(name="Santiago")
    box = send(campaign.place, there, ["GX-000", "GX-002"])
    made = typed("out", str(box.pk), "--output", str(tmp_path / "new"), "--run-files")
    assert made.returncode == 0, made.stderr
    path = Path(made.stdout.strip().replace("\n", ""))
    assert path.parent == tmp_path / "new"
    with zipfile.ZipFile(path) as archive:
        assert public_of_ours() in archive.comment.decode()
        devices = json.loads(archive.read("inventory.json"))["devices"]
        assert sorted(one["serial"] for one in devices) == ["GX-000", "GX-002"]
        assert archive.read("certificates.pdf").startswith(b"%PDF")
        sha256 = campaign.run.files.get().sha256
        assert archive.read(f"runs/{sha256}.root").startswith(b"content of run")
        assert json.loads(archive.read("manifest.json"))["shipment"] == str(box.uuid)
    data = path.read_bytes()
    again = typed("out", str(box.pk), "--output", str(tmp_path / "other"), "--run-files")
    assert again.returncode == 0, again.stderr
    assert next((tmp_path / "other").iterdir()).read_bytes() == data
    none = typed("out", "999999")
    assert none.returncode == 1
    assert "no shipment 999999" in none.stderr
