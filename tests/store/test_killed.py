"""A process that is killed while it stores something loses nothing, and leaves no half file."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.core.files.storage import default_storage

from mppcqa.exchange.backup import verify
from mppcqa.exchange.imports import take_in
from mppcqa.exchange.models import Import
from mppcqa.exchange.rotation import default_folder, newest
from mppcqa.inventory.models import Attachment
from mppcqa.runs.files import save_file
from mppcqa.runs.models import RunFile
from tests.workers import child_environment

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

SIZE = 48 << 20
TRIES = 8


@pytest.fixture
def content(tmp_path: Path) -> Path:
    """A file that takes some time to copy: 48 MB of lines that do not repeat."""
    path = tmp_path / "measured.txt"
    path.write_bytes(os.urandom(SIZE // 2).hex().encode())
    return path


def half_written(below: Path, size: int, seen: set[Path]) -> bool:
    """Whether a file below a folder is being written: not empty, and not yet as long as it gets."""
    for folder, _folders, files in os.walk(below):
        for name in files:
            path = Path(folder, name)
            try:
                if path not in seen and 0 < path.stat().st_size < size:
                    return True
            except FileNotFoundError:
                continue
    return False


def killed_while_storing(what: str, path: Path, below: Path) -> None:
    """Start a process that stores a file, and kill it once it has written a part below a folder."""
    size = path.stat().st_size
    for _try in range(TRIES):
        below.mkdir(parents=True, exist_ok=True)
        seen = {one for one in below.rglob("*") if one.is_file()}
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.store.storing", what, str(path)], env=child_environment()
        )
        while child.poll() is None:
            if half_written(below, size, seen):
                child.kill()
        if child.wait() == -9:
            return
        assert child.returncode == 0
        path.write_bytes(os.urandom(size // 2).hex().encode())  # it was too quick
    pytest.fail(f"no process could be caught storing {what}")


def stored_at_once(what: str, path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.store.storing", what, str(path)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_run_file(content: Path, transactional_db: None) -> None:
    killed_while_storing("run file", content, Path(settings.MEDIA_ROOT))
    assert content.is_file()
    before = content.read_bytes()
    stored_at_once("run file", content)
    assert not content.exists()
    row = RunFile.objects.order_by("-pk")[0]
    assert row.size == len(before)
    assert Path(row.file.path).read_bytes() == before


def test_an_attachment(content: Path, campaign: SimpleNamespace) -> None:
    killed_while_storing("attachment", content, Path(settings.MEDIA_ROOT))
    before = content.read_bytes()
    stored_at_once("attachment", content)
    for row in Attachment.objects.all():
        assert len(Path(row.file.path).read_bytes()) == len(before)
    assert Path(row.file.path).read_bytes() == before


def test_a_table_that_is_uploaded(content: Path, transactional_db: None) -> None:
    killed_while_storing("table", content, Path(settings.MPPCQA_HOME) / "imports")
    # Where the table is looked for there is all of it, or nothing.
    there = [row.path.read_bytes() for row in Import.objects.all() if row.path.exists()]
    assert all(len(table) == content.stat().st_size for table in there)


def test_a_table_of_a_number_that_comes_again_is_never_an_older_one(transactional_db: None) -> None:
    """A database that was restored gives numbers again; what lies there is another's."""
    kept = take_in([b"serial\nGX-1\n"], "t.csv", kind="devices")
    Import.objects.all().delete()
    again = Import.objects.create(pk=kept.pk, kind="devices", original_name="other.csv")
    assert kept.path.is_file()
    assert not again.path.exists()


def test_a_backup(content: Path, transactional_db: None) -> None:
    before = content.read_bytes()
    row = save_file(content, kind=RunFile.Kind.RUN, run=None)
    killed_while_storing("backup", content, default_folder())
    killed = newest(default_folder())
    stored_at_once("backup", content)
    made = newest(default_folder())
    assert made is not None
    assert made != killed
    assert verify(made) == []
    assert (made / "files" / row.file.name).read_bytes() == before
    # What the killed one had left is gone.
    assert not [path for path in default_folder().iterdir() if path.name.endswith(".part")]


def test_what_the_store_does_not_hold_gets_no_row(
    content: Path, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that loses what it is given: the store is read back before the row is made."""
    save = default_storage._wrapped.__class__._save

    def losing(self: object, name: str, file: object) -> str:
        stored = save(self, name, file)
        with Path(self.path(stored)).open("r+b") as there:
            there.truncate(1000)
        return stored

    before = set(Path(settings.MEDIA_ROOT).rglob("*.txt"))
    monkeypatch.setattr(default_storage._wrapped.__class__, "_save", losing)
    with pytest.raises(OSError, match="given"):
        save_file(content, kind=RunFile.Kind.RUN, run=None)
    assert not RunFile.objects.exists()
    assert set(Path(settings.MEDIA_ROOT).rglob("*.txt")) == before
