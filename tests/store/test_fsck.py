"""`mppcqa fsck` finds whatever is missing, damaged or nobody's, and mends what is safe."""

from __future__ import annotations

import json
import os
import time
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile

from mppcqa.cli import main
from mppcqa.disk import whole_file
from mppcqa.exchange.backup import back_up
from mppcqa.exchange.exports import ask_export
from mppcqa.exchange.imports import take_in
from mppcqa.exchange.models import Export, Import
from mppcqa.exchange.rotation import default_folder
from mppcqa.inventory.attachments import attach
from mppcqa.reports.archive import save_report
from mppcqa.store.keeping import keeping
from mppcqa.store.reading import verify


def fsck(*options: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit status and findings."""
    done = CliRunner().invoke(main, ["fsck", "--json", *options])
    report = json.loads(done.stdout)
    assert report["ok"] == (done.exit_code == 0)
    return done.exit_code, report["findings"]


def old(path: Path) -> Path:
    """Make a file or folder look as if nobody had touched it for a day."""
    os.utime(path, (time.time() - 86400,) * 2)
    return path


@pytest.fixture
def full(campaign: SimpleNamespace, tmp_path: Path, settings: Any) -> SimpleNamespace:
    """Something in every store, and nothing that other tests have left."""
    settings.MPPCQA_HOME = tmp_path / "home"
    settings.MEDIA_ROOT = tmp_path / "home" / "files"
    settings.MPPCQA_BACKUPS = tmp_path / "home" / "backups"
    campaign.home = tmp_path / "home"
    device = campaign.devices[0]
    campaign.file = campaign.run.files.get()
    with keeping(BytesIO(b"measured"), "runs", ".root") as kept:
        campaign.file.file, campaign.file.sha256 = kept.name, kept.sha256
        campaign.file.save()
    campaign.pdf = attach(device, SimpleUploadedFile("sheet.pdf", b"%PDF-1.4 sheet"))
    campaign.report = save_report("device", device)
    campaign.export = ask_export("devices", "csv", {})
    campaign.table = take_in([b"serial\nGX-100\n"], "table.csv", kind="devices")
    return campaign


def flip(path: Path) -> bytes:
    content = path.read_bytes()
    path.write_bytes(bytes(byte ^ 0xFF for byte in content))
    return content


def test_a_whole_store_has_no_findings(full: SimpleNamespace) -> None:
    assert fsck() == (0, [])
    back_up(default_folder())
    assert fsck() == (0, [])


def test_what_is_damaged_or_missing_comes_back_from_a_backup(full: SimpleNamespace) -> None:
    back_up(default_folder())
    wanted = {}
    rows = [full.file, full.pdf, full.report]
    for row in rows:
        wanted[row.pk, type(row)] = flip(Path(row.file.path))
    Path(full.pdf.file.path).unlink()
    flip(Path(full.export.file.path))
    status, findings = fsck()
    assert status == 1
    assert sorted((one["kind"], one["row"].partition(" ")[0]) for one in findings) == [
        ("damaged", "exchange.export"),
        ("damaged", "reports.report"),
        ("damaged", "runs.runfile"),
        ("missing", "inventory.attachment"),
    ]
    status, findings = fsck("--repair")
    assert status == 0, findings
    assert sum("brought back from the backup" in one["repaired"] for one in findings) == 3
    for row in rows:
        row.refresh_from_db()
        verify(row)
        assert Path(row.file.path).read_bytes() == wanted[row.pk, type(row)]
    assert not Export.objects.exists()  # it can be asked for again
    assert fsck() == (0, [])


def test_what_no_backup_has_stays_named(full: SimpleNamespace) -> None:
    flip(Path(full.file.file.path))
    (full.table.folder / "table").write_bytes(b"serial\nGX-999\n")
    status, findings = fsck("--repair")
    assert status == 1
    assert [(one["kind"], one["repaired"]) for one in findings] == [("damaged", "")] * 2
    said = CliRunner().invoke(main, ["fsck"])
    assert said.exit_code == 1
    assert full.file.file.name in said.stdout
    assert "2 left" in said.stdout


def test_what_belongs_to_nothing_is_set_aside_and_never_deleted(full: SimpleNamespace) -> None:
    home: Path = full.home
    left = {
        home / "files" / "runs" / "ab" / "nobody.root": b"a run file whose row was lost",
        Path(full.export.file.storage.path("lists/nobody.csv")): b"a list",
        home / "imports" / "999" / "table": b"a table",
        home / "runs" / "999" / "run.root": b"a run that there is not",
    }
    young = home / "files" / "runs" / "young.root"
    for path, content in (*left.items(), (young, b"its row may be on its way")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if path != young:
            old(path)
            old(path.parent)
    unfinished = home / "files" / "runs" / ".0123456789abcdef.part"
    unfinished.write_bytes(b"half")
    with whole_file(home / "files" / "runs" / "now.root") as busy:
        busy.write_bytes(b"being written")
        status, findings = fsck()
        assert status == 1
        assert sorted(one["kind"] for one in findings) == ["orphan"] * 4 + ["unfinished"]
        status, findings = fsck("--repair")
        assert (status, len(findings)) == (0, 5)
        assert busy.exists()
    assert not unfinished.exists()
    assert young.exists()
    aside = {path.read_bytes() for path in (home / "set-aside").rglob("*") if path.is_file()}
    assert aside == set(left.values())
    assert not any(path.exists() for path in left)


def test_a_run_file_that_was_not_taken_in_is_named(full: SimpleNamespace) -> None:
    folder = full.home / "runs" / str(full.run.pk)
    folder.mkdir(parents=True)
    (folder / "run.root").write_bytes(b"measured")
    old(folder)
    status, [finding] = fsck("--repair")
    assert (status, finding["kind"]) == (1, "waiting")
    assert (folder / "run.root").exists()
    # It is also where a lost file comes back from.
    Path(full.file.file.path).unlink()
    _status, findings = fsck("--repair")
    assert [one["repaired"] for one in findings if one["kind"] == "missing"] == [
        "brought back from the folder of the run"
    ]
    full.file.refresh_from_db()
    verify(full.file)


def test_older_rows_get_a_checksum_and_wrong_rights_go(full: SimpleNamespace) -> None:
    sha256 = full.pdf.sha256
    type(full.pdf).objects.update(sha256="")
    Path(full.pdf.file.path).chmod(0o644)
    status, findings = fsck()
    assert (status, sorted(one["kind"] for one in findings)) == (1, ["rights", "unmeasured"])
    status, findings = fsck("--repair")
    assert (status, len(findings)) == (0, 2)
    full.pdf.refresh_from_db()
    assert full.pdf.sha256 == sha256
    assert Path(full.pdf.file.path).stat().st_mode & 0o077 == 0
    assert fsck() == (0, [])


def test_a_table_that_is_gone(full: SimpleNamespace) -> None:
    (full.table.folder / "table").unlink()
    status, [finding] = fsck()
    assert (status, finding["kind"]) == (1, "missing")
    assert finding["row"] == f"exchange.import {full.table.pk}"
    Import.objects.all().delete()
    old(full.table.folder)
    assert [one["kind"] for one in fsck()[1]] == ["orphan"]
