"""A campaign moves between databases and versions, and is backed up while people work."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from django.core.files.base import ContentFile

from mppcqa.cli import main
from mppcqa.disk import measure_file
from mppcqa.exchange.backup import back_up, stated_faults, verify
from mppcqa.exchange.backup_trust import our_fingerprint, sign
from mppcqa.inventory.models import Attachment, Comment, Device
from mppcqa.queue import submit
from mppcqa.queue.logs import LogWriter, log_path
from mppcqa.results.models import Analysis
from mppcqa.web.models import LastSave
from tests.databases import command, empty_database
from tests.workers import child_environment, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(400)]


def table(backup: Path, name: str) -> pa.Table:
    return pq.read_table(backup / "tables" / f"{name}.parquet")


def same_tables(one: Path, two: Path) -> list[str]:
    """Names of tables that differ, but for those into which the restore itself is entered."""
    names = {path.stem for path in (*one.glob("tables/*"), *two.glob("tables/*"))}
    names -= {"audit_waiting", "audit_writer"}
    return sorted(name for name in names if not table(one, name).equals(table(two, name)))


def ours(signer: str = "") -> tuple[str, ...]:
    """To restore on another computer what was made here, or by whoever has that fingerprint."""
    return "restore", "--signed-by", signer or our_fingerprint()


@pytest.fixture
def full(transactional_db: None, campaign: SimpleNamespace) -> SimpleNamespace:
    """The campaign with all that is hard to move."""
    device = campaign.devices[0]
    Device.objects.filter(pk=device.pk).update(
        maker_values={"V_op": 54.3, "note": 'a "quoted" ñ → €', "none": None, "list": [1, "2"]}
    )
    Comment.objects.create(device=device, text="line\nline 'two'; -- %s \\ 🙂")
    campaign.attachment = Attachment.objects.create(
        device=device, original_name="photo.png", file=ContentFile(b"\x89PNG", name="photo.png")
    )
    campaign.task = submit("queue.retention")
    log = LogWriter(log_path(campaign.task.pk, 1))
    log.line("the words of a task")
    log.close()
    return campaign


def test_from_one_database_to_the_other_and_back(full: SimpleNamespace, tmp_path: Path) -> None:
    first, signer = back_up(tmp_path / "first"), our_fingerprint()
    # To SQLite, and back to what the tests run on; with MariaDB that is there and back again.
    for number, kind in enumerate(("sqlite", ""), 1):
        with empty_database(tmp_path / f"to{number}", kind=kind) as environment:
            unknown = command(environment, "restore", str(first))
            assert unknown.returncode == 1, "this computer has no key, and is told of none"
            assert "signed by" in unknown.stderr
            done = command(environment, *ours(signer), str(first))
            assert done.returncode == 0, done.stderr
            checked = command(environment, "summaries", "check")
            assert checked.returncode == 0, checked.stdout
            again = command(environment, "backup", str(tmp_path / f"again{number}"))
            key = command(environment, "backup", "--key").stdout.strip()
            assert again.returncode == 0, again.stderr
            used = command(environment, *ours(signer), str(first))
            assert used.returncode != 0
            assert "in use" in used.stderr
        [second] = (tmp_path / f"again{number}").iterdir()
        assert verify(second) == []
        assert same_tables(first, second) == []
        logs = [path.read_text() for path in second.rglob(f"{full.task.pk}-1.log")]
        assert [text.count("the words of a task") for text in logs] == [1]
        assert (second / "files" / full.attachment.file.name).read_bytes() == b"\x89PNG"
        first, signer = second, key


def test_a_file_that_is_gone_is_named(full: SimpleNamespace, tmp_path: Path) -> None:
    Path(full.attachment.file.path).unlink()
    name = full.attachment.file.name
    made = CliRunner().invoke(main, ["backup", str(tmp_path / "backups")])
    assert made.exit_code == 0
    assert f"not in the backup: {name}" in made.stderr
    [backup] = (tmp_path / "backups").iterdir()
    assert stated_faults(backup) == [f"not in the store, so not in the backup: {name}"]
    checked = CliRunner().invoke(main, ["backup", "--verify", str(backup)])
    assert checked.exit_code == 0
    assert name in checked.stderr
    restored = CliRunner().invoke(main, ["restore", "--replace", str(backup)])
    assert restored.exit_code == 0, restored.output
    assert name in restored.stderr


def test_a_backup_of_an_older_version_is_migrated(full: SimpleNamespace, tmp_path: Path) -> None:
    LastSave.objects.create(kind="tag", key="1", state="saved")
    now = back_up(tmp_path / "now")
    later_than = {"DJANGO_SETTINGS_MODULE": "tests.exchange.later_settings"}
    with empty_database(tmp_path / "later") as later:
        done = command(later | later_than, *ours(), str(now))
        assert done.returncode == 0, done.stderr
        code = (
            "from django.db import connection as c; k = c.cursor(); "
            "k.execute('SELECT later FROM web_lastsave'); print(k.fetchall())"
        )
        shown = command(later | later_than, "django", "shell", "-v0", "-c", code)
        assert "(7,)" in shown.stdout, shown.stderr
        # What the later version has made is nothing for this one.
        refused = command(later, *ours(), "--replace", str(now))
        assert refused.returncode == 1
        assert "web.0002_later" in refused.stderr
        assert command(later | later_than, "backup", str(tmp_path / "again")).returncode == 0
    [again] = (tmp_path / "again").iterdir()
    assert same_tables(now, again) == []


def test_a_backup_of_before_the_first_release_is_refused_in_words(
    full: SimpleNamespace, tmp_path: Path
) -> None:
    backup = back_up(tmp_path / "now")
    manifest = json.loads((backup / "manifest.json").read_text())
    manifest["migrations"].append("testing.0001_initial")
    text = json.dumps(manifest)
    (backup / "manifest.json").write_text(text)
    sign(backup, text)
    digest = measure_file(backup / "manifest.json").sha256
    (backup / "manifest.json.sha256").write_text(f"{digest}  manifest.json\n")
    refused = CliRunner().invoke(main, ["restore", "--replace", str(backup)])
    assert refused.exit_code == 1
    assert "before 0.1.0" in refused.stderr
    assert "mppcqa import table" in refused.stderr


def test_a_backup_while_people_work_is_of_one_moment(full: SimpleNamespace, tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    writers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.exchange.busy_writer", name, str(stop)],
            env=child_environment(),
        )
        for name in ("ana", "luis")
    ]
    try:
        wait_until(lambda: Analysis.objects.count() > 4, what="both write")
        backups = []
        for _turn in range(3):
            backups.append(back_up(tmp_path / "backups"))
            time.sleep(1.1)  # backups are called by the second
        before = Analysis.objects.count()
        wait_until(lambda: Analysis.objects.count() > before, what="they still write")
        assert all(writer.poll() is None for writer in writers)
    finally:
        stop.touch()
        for writer in writers:
            assert writer.wait(60) == 0
    sizes = set()
    for backup in backups:
        assert verify(backup) == []
        assert stated_faults(backup) == []
        together = [
            table(backup, f"inventory_{name}").num_rows for name in ("maker", "tag", "comment")
        ]
        # The campaign has a maker and a comment of its own.
        assert together[0] - 1 == together[1] == together[2] - 1
        counted = table(backup, "results_measurement")["analysis_id"].value_counts().to_pylist()
        stated = table(backup, "results_analysis").select(["id", "values"]).to_pylist()
        assert {one["id"]: one["values"] for one in stated} == {
            one["values"]: one["counts"] for one in counted
        }
        sizes.add(len(stated))
        with empty_database(tmp_path / "restored") as environment:
            done = command(environment, *ours(), "--replace", str(backup))
            assert done.returncode == 0, done.stderr
            checked = command(environment, "summaries", "check")
            assert checked.returncode == 0, checked.stdout
    assert len(sizes) > 1
