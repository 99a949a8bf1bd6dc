"""A backup holds everything, says when it was changed, and goes back whole."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from django.db import DataError
from django.db.models import Model

from mppcqa.cli import main
from mppcqa.exchange.backup import MANIFEST, BackupError, back_up, newest, thin_out, verify
from mppcqa.exchange.restore import restore
from mppcqa.exchange.table_copy import write_rows
from mppcqa.exchange.tasks import make_backup
from mppcqa.inventory.models import Comment, Device, Tag
from mppcqa.testing.models import Measurement, RunFile


def tables(backup: Path) -> dict[str, str]:
    manifest = json.loads((backup / MANIFEST).read_text())
    return {name: one["sha256"] for name, one in manifest["tables"].items()}


@pytest.fixture
def full(campaign: SimpleNamespace) -> SimpleNamespace:
    """The campaign with texts that are hard to keep."""
    device = campaign.devices[0]
    Device.objects.filter(pk=device.pk).update(
        maker_values={"V_op": 54.3, "note": 'a "quoted" ñ → €', "none": None, "list": [1, "2"]}
    )
    Comment.objects.create(device=device, text="line\nline 'two'; -- %s \\ 🙂")
    device.tags.add(Tag.objects.create(name="spare"))
    return campaign


def test_all_of_it_comes_back(full: SimpleNamespace, tmp_path: Path) -> None:
    first = back_up(tmp_path)
    assert verify(first) == []
    with pytest.raises(BackupError, match="in use"):
        restore(first)
    Comment.objects.all().delete()
    Measurement.objects.filter(device=full.devices[1].pk).delete()
    Device.objects.filter(pk=full.devices[2].pk).update(serial="OTHER")
    stored = Path(RunFile.objects.get().file.path)
    stored.unlink()
    counts = restore(first, replace=True)
    assert counts["files"] == 1
    assert stored.read_bytes() == b"content"
    second = back_up(tmp_path / "again")
    assert tables(second) == tables(first)
    assert Device.objects.get(serial="GX-000").maker_values["list"] == [1, "2"]
    assert Comment.objects.get().text.endswith("🙂")


def test_a_changed_backup_is_refused(full: SimpleNamespace, tmp_path: Path) -> None:
    made = back_up(tmp_path)
    table = made / "tables" / "inventory_device.parquet"
    data = bytearray(table.read_bytes())
    data[len(data) // 2] ^= 1
    table.write_bytes(data)
    file = next(path for path in (made / "files").rglob("*") if path.is_file())
    file.unlink()
    assert len(verify(made)) == 2
    with pytest.raises(BackupError, match="damaged"):
        restore(made, replace=True)
    assert Device.objects.count() == 4


def test_a_newer_version_is_refused(full: SimpleNamespace, tmp_path: Path) -> None:
    import hashlib

    made = back_up(tmp_path)
    manifest = json.loads((made / MANIFEST).read_text())
    manifest["migrations"].append("inventory.9999_future")
    text = json.dumps(manifest)
    (made / MANIFEST).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (made / f"{MANIFEST}.sha256").write_text(f"{digest}  {MANIFEST}\n")
    with pytest.raises(BackupError, match="9999_future"):
        restore(made, replace=True)


def test_old_backups_go(full: SimpleNamespace, tmp_path: Path) -> None:
    for day in range(1, 4):
        back_up(tmp_path).rename(tmp_path / f"mppcqa-2026010{day}-000000")
    assert thin_out(tmp_path, keep=2) == 1
    assert newest(tmp_path) == tmp_path / "mppcqa-20260103-000000"
    assert (tmp_path / "mppcqa-20260102-000000").is_dir()


def damage(backup: Path) -> Path:
    """Turn one bit of a stored file of a backup."""
    file = next(path for path in sorted((backup / "files").rglob("*")) if path.is_file())
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    return file


def test_damage_of_one_night_is_not_linked_into_the_next(
    full: SimpleNamespace, tmp_path: Path
) -> None:
    first = back_up(tmp_path).rename(tmp_path / "mppcqa-20260101-000000")
    damage(first)
    said: list[str] = []
    context = SimpleNamespace(log=said.append, message=lambda level, text: said.append(text))
    made = make_backup(context, folder=str(tmp_path))["backup"]
    assert verify(Path(made)) == []
    assert any("damaged" in text and "was changed" in text for text in said)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_backup_whose_list_is_unreadable_stops_no_other(
    full: SimpleNamespace, tmp_path: Path
) -> None:
    first = back_up(tmp_path).rename(tmp_path / "mppcqa-20260101-000000")
    (first / MANIFEST).write_text("{")
    assert verify(back_up(tmp_path)) == []


def test_a_full_disk_is_told_and_leaves_nothing(
    full: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mppcqa.exchange.backup._copied", full_disk)
    done = CliRunner().invoke(main, ["backup", str(tmp_path)])
    assert done.exit_code == 1
    assert "No space left" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_the_database_does_not_take_is_told_by_its_table(
    full: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = back_up(tmp_path)

    def choosy(model: type[Model], batch: object) -> None:
        if model._meta.db_table == "inventory_lot":
            raise DataError(1406, "Data too long for column 'name' at row 11")
        write_rows(model, batch)

    monkeypatch.setattr("mppcqa.exchange.restore.write_rows", choosy)
    done = CliRunner().invoke(main, ["restore", "--replace", str(made)])
    assert done.exit_code == 1
    assert "inventory_lot" in done.stderr
    assert "Data too long" in done.stderr
    assert Device.objects.count() == 4
