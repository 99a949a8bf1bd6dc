"""Run files into the store: by content, once, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from django.db import IntegrityError, transaction

from mppcqa.disk import Measured, measure
from mppcqa.runs.models import Run, RunFile
from mppcqa.store.keeping import discard, keeping, keeping_all
from mppcqa.store.reading import FileFault, verify

FOLDER = "runs"


def save_file(path: Path, *, kind: str, run: Run | None, name: str = "") -> RunFile:
    """Put a file into the store and return its row; the same content is kept once.

    What the store has of that content is read; where it is damaged or gone, this one takes its
    place. Raises `StoreError` where the store does not hold what it was given.
    """
    with path.open("rb") as source:
        measured = measure(source)
        known = RunFile.objects.filter(sha256=measured.sha256).first()
        if known is not None:
            try:
                verify(known)
            except FileFault:
                with keeping(source, FOLDER, path.suffix, measured=measured) as kept:
                    former, known.file = known.file.name, kept.name
                    known.save(update_fields=["file"])
                discard(former)
            return known
        with keeping(source, FOLDER, path.suffix, measured=measured) as kept:
            row, made = RunFile.objects.get_or_create(
                sha256=kept.sha256,
                defaults={
                    "file": kept.name,
                    "size": kept.size,
                    "original_name": name or path.name,
                    "kind": kind,
                    "run": run,
                },
            )
            if not made:  # another process was first
                discard(kept.name)
    return row


def save_files(
    files: Sequence[tuple[Path, Measured, str]], *, kind: str, run: Run
) -> list[RunFile]:
    """Put many files, each with what it was measured as and its name, into the store; their rows.

    As `save_file` does it, in a few questions to the database. Raises `StoreError` where one is
    not what was measured any more.
    """
    there = set(_by_content(files))
    new = {one.sha256: (path, one, name) for path, one, name in files if one.sha256 not in there}
    try:
        sources = [(path, one) for path, one, _name in new.values()]
        with keeping_all(sources, FOLDER) as kept, transaction.atomic():
            RunFile.objects.bulk_create([
                RunFile(
                    sha256=one.sha256, file=one.name, size=one.size, kind=kind, run=run,
                    original_name=new[one.sha256][2] or new[one.sha256][0].name,
                )
                for one in kept
            ])  # fmt: skip
    except IntegrityError:  # another process was first with one of them
        new = {}
    for path, one, name in files:
        if one.sha256 not in new:
            save_file(path, kind=kind, run=run, name=name)
    rows = _by_content(files)
    return [rows[one.sha256] for _path, one, _name in files]


def _by_content(files: Sequence[tuple[Path, Measured, str]]) -> dict[str, RunFile]:
    sums = [one.sha256 for _path, one, _name in files]
    return {row.sha256: row for row in RunFile.objects.filter(sha256__in=sums)}
