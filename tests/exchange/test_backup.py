"""A backup holds everything, says when it was changed, and goes back whole."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from django.db import DataError
from django.db.models import Model
from django.utils import timezone

from mppcqa.audit.models import Waiting
from mppcqa.audit.triggers import faults_of_triggers
from mppcqa.cli import main
from mppcqa.exchange.backup import back_up, stated_faults, verify
from mppcqa.exchange.backup_files import BackupError
from mppcqa.exchange.backup_trust import sign
from mppcqa.exchange.restore import restore
from mppcqa.exchange.rotation import MANIFEST, made_at, newest, to_keep
from mppcqa.exchange.table_copy import write_rows
from mppcqa.exchange.tasks import make_backup
from mppcqa.inventory.models import Comment, Device, Tag
from mppcqa.limits.records import NewRecord, add_records, follow
from mppcqa.queue.errors import TaskError
from mppcqa.results.models import Measurement
from mppcqa.runs.models import RunFile
from mppcqa.store.models import StoredFault


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
    facts = {"particle": "n", "dose_gy": 1.5}
    when = dt.datetime(2026, 5, 1, tzinfo=dt.UTC)
    add_records([NewRecord("irradiation", when, facts, 0.1, "ñ", [device.pk])])
    follow([device.pk])
    return campaign


@pytest.mark.django_db(transaction=True)
def test_all_of_it_comes_back(full: SimpleNamespace, tmp_path: Path) -> None:
    first = back_up(tmp_path)
    assert verify(first) == []
    with pytest.raises(BackupError, match="in use"):
        restore(first)
    Comment.objects.all().delete()
    Measurement.objects.filter(device=full.devices[1].pk).delete()
    Device.objects.filter(pk=full.devices[2].pk).update(serial="OTHER")
    stored = Path(RunFile.objects.get().file.path)
    content = stored.read_bytes()
    stored.unlink()
    counts = restore(first, replace=True)
    logs = json.loads((first / MANIFEST).read_text())["logs"]  # of whatever was run before
    assert counts["files"] == 1 + len(logs)
    assert stored.read_bytes() == content
    second = back_up(tmp_path / "again")
    after, before = tables(second), tables(first)
    assert after.pop("audit_waiting") != before.pop("audit_waiting")
    del after["audit_writer"], before["audit_writer"]  # who wrote last, here: the restore
    assert after == before
    note = Waiting.objects.order_by("-pk")[0]
    assert (note.row, note.action) == ("restore", "N"), "of the restore itself there is one entry"
    assert faults_of_triggers() == []
    assert Device.objects.get(serial="GX-000").maker_values["list"] == [1, "2"]
    assert Comment.objects.get().text.endswith("🙂")


@pytest.mark.django_db(transaction=True)
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


@pytest.mark.django_db(transaction=True)
def test_a_newer_version_is_refused(full: SimpleNamespace, tmp_path: Path) -> None:
    import hashlib

    made = back_up(tmp_path)
    manifest = json.loads((made / MANIFEST).read_text())
    manifest["migrations"].append("inventory.9999_future")
    text = json.dumps(manifest)
    (made / MANIFEST).write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    (made / f"{MANIFEST}.sha256").write_text(f"{digest}  {MANIFEST}\n")
    sign(made, text)
    with pytest.raises(BackupError, match="9999_future"):
        restore(made, replace=True)


def backup_of(folder: Path, when: dt.datetime) -> Path:
    """What counts as a backup of some time."""
    path = folder / f"mppcqa-{when:%Y%m%d-%H%M%S}"
    path.mkdir(parents=True)
    (path / MANIFEST).write_text("{}")
    return path


def test_clicks_flush_no_old_backups(full: SimpleNamespace, tmp_path: Path) -> None:
    """Thirty that a person asks for within some minutes, beside one of each day of two months."""
    now = timezone.now()
    days = [backup_of(tmp_path, now - dt.timedelta(days=number)) for number in range(1, 61)]
    for minute in range(30):
        backup_of(tmp_path, now - dt.timedelta(minutes=minute, seconds=30))
    task = SimpleNamespace(requested_by_id=1)
    said: list[str] = []
    context = SimpleNamespace(task=task, log=said.append, message=lambda level, text: None)
    made = Path(make_backup(context, folder=str(tmp_path))["backup"])
    assert newest(tmp_path) == made
    left = {path for path in tmp_path.iterdir() if path.name.startswith("mppcqa-")}
    assert left >= set(days[:13])
    weeks = {tuple(made_at(path).isocalendar()[:2]) for path in left if path in days}
    assert len(weeks) >= 7
    assert len(left & set(days)) <= 13 + 24 + 8
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_backups_stay_by_age(settings: Any) -> None:
    """Hourly for 24 hours, daily for 14 days, weekly for 8 weeks; a pause removes none."""
    now = dt.datetime(2026, 6, 30, 12, 30, tzinfo=dt.UTC)
    hourly = {Path(f"{n}"): now - dt.timedelta(hours=n) for n in range(24 * 100)}
    kept = to_keep(hourly, now)
    ages = sorted((now - hourly[path]).total_seconds() / 3600 for path in kept)
    assert ages[:24] == list(range(24))
    assert 24 + 13 <= len(ages) <= 24 + 13 + 8
    assert 6 * 7 * 24 <= ages[-1] <= 8 * 7 * 24
    assert to_keep({path: hourly[path] for path in kept}, now + dt.timedelta(days=400)) == kept
    settings.MPPCQA_BACKUP_KEEP = [1, 1, 1]
    assert len(to_keep(hourly, now)) == 2  # those of the last two hours


def test_an_automatic_backup_waits_its_least_interval(
    full: SimpleNamespace, tmp_path: Path, settings: Any
) -> None:
    settings.MPPCQA_BACKUPS = tmp_path / "another" / "disk"
    context = SimpleNamespace(
        task=SimpleNamespace(requested_by_id=None), log=print, message=lambda level, text: None
    )
    with pytest.raises(TaskError, match="is its disk mounted"):
        make_backup(context)
    (tmp_path / "another").mkdir()
    first = make_backup(context)["backup"]
    assert Path(first).parent == tmp_path / "another" / "disk"
    assert make_backup(context)["backup"] is None
    assert len(list(Path(first).parent.iterdir())) == 1
    settings.MPPCQA_BACKUP_LEAST_MIN = 0
    assert make_backup(context)["backup"] is not None


@pytest.mark.django_db(transaction=True)
def test_what_is_damaged_in_the_store_is_told_and_comes_from_the_backup_before(
    full: SimpleNamespace, tmp_path: Path
) -> None:
    """64 bytes of a stored file turn; its name, size and times stay."""
    row = RunFile.objects.get()
    stored, content = Path(row.file.path), Path(row.file.path).read_bytes()
    first = back_up(tmp_path)
    assert stated_faults(first) == []
    times = stored.stat()
    stored.write_bytes(bytes(byte ^ 0xFF for byte in content))
    os.utime(stored, ns=(times.st_atime_ns, times.st_mtime_ns))
    second = back_up(tmp_path)
    assert stated_faults(second) == [f"damaged in the store, whole in the backup: {row.file.name}"]
    assert (second / "files" / row.file.name).read_bytes() == content
    alone = CliRunner().invoke(main, ["backup", str(tmp_path / "alone")])
    assert "damaged in the store, so damaged in the backup" in alone.stderr
    assert StoredFault.objects.get().name == row.file.name
    stored.unlink()
    third = back_up(tmp_path)
    assert stated_faults(third) == [f"missing in the store, whole in the backup: {row.file.name}"]
    restore(third, replace=True)
    assert stored.read_bytes() == content
    assert not StoredFault.objects.exists()


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
    context = SimpleNamespace(
        task=SimpleNamespace(requested_by_id=None),
        log=said.append,
        message=lambda level, text: said.append(text),
    )
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

    monkeypatch.setattr("mppcqa.exchange.backup_files.copied", full_disk)
    done = CliRunner().invoke(main, ["backup", str(tmp_path)])
    assert done.exit_code == 1
    assert "No space left" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.django_db(transaction=True)
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
