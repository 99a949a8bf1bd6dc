"""Many files into the store at once: all of them or none, each as it was measured."""

from __future__ import annotations

from pathlib import Path

import pytest

from mppcqa.disk import measure_file
from mppcqa.runs.files import save_files
from mppcqa.runs.models import Run, RunFile
from mppcqa.store.keeping import StoreError
from mppcqa.store.reading import verify, whole_path

pytestmark = pytest.mark.django_db


def some(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"curve_{n:02d}.csv" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_text(f"V,A\n{n},1e-9\n")
    return paths


def kept(paths: list[Path], run: Run) -> list[RunFile]:
    files = [(path, measure_file(path), path.name) for path in paths]
    return save_files(files, kind=RunFile.Kind.IMPORT, run=run)


def in_store() -> list[str]:
    from django.core.files.storage import default_storage

    folder = Path(default_storage.path("runs"))
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_they_come_back_as_they_went_in(tmp_path: Path) -> None:
    run = Run.objects.create(stage="stage2")
    paths = some(tmp_path, 30)
    rows = kept([*paths, paths[3]], run)
    assert [row.original_name for row in rows] == [path.name for path in [*paths, paths[3]]]
    assert rows[3] == rows[30]
    assert RunFile.objects.count() == 30
    for path, row in zip(paths, rows, strict=False):
        with whole_path(row) as stored:
            assert stored.read_bytes() == path.read_bytes()
        assert (row.run, row.kind) == (run, RunFile.Kind.IMPORT)


def test_what_is_there_already_is_kept_once_and_mended(tmp_path: Path) -> None:
    run, paths = Run.objects.create(stage="stage2"), some(tmp_path, 3)
    first = kept(paths[:2], run)
    Path(first[0].file.path).write_text("damaged")
    rows = kept(paths, Run.objects.create(stage="stage2"))
    assert [row.pk for row in rows[:2]] == [row.pk for row in first]
    verify(RunFile.objects.get(pk=first[0].pk))
    assert RunFile.objects.count() == 3


def test_one_that_changes_meanwhile_leaves_nothing(tmp_path: Path) -> None:
    run, paths = Run.objects.create(stage="stage2"), some(tmp_path, 5)
    before = in_store()
    files = [(path, measure_file(path), path.name) for path in paths]
    paths[2].write_text("V,A\n7,7e-9\n")
    with pytest.raises(StoreError):
        save_files(files, kind=RunFile.Kind.IMPORT, run=run)
    assert in_store() == before
    assert not RunFile.objects.exists()
