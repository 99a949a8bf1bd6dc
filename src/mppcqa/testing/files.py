"""Run files into the store: by content, once, never changed."""

from __future__ import annotations

import hashlib
from pathlib import Path

from django.core.files import File
from django.core.files.storage import default_storage

from mppcqa.testing.models import Run, RunFile

CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's content, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK):
            digest.update(piece)
    return digest.hexdigest()


def keep_file(path: Path, *, kind: str, run: Run | None, name: str = "") -> RunFile:
    """Put a file into the store and return its row; the same content is kept once."""
    digest = sha256_of(path)
    known = RunFile.objects.filter(sha256=digest).first()
    if known is not None:
        return known
    stored = f"runs/{digest[:2]}/{digest}{path.suffix}"
    if not default_storage.exists(stored):
        with path.open("rb") as file:
            stored = default_storage.save(stored, File(file))
    row, _made = RunFile.objects.get_or_create(
        sha256=digest,
        defaults={
            "file": stored,
            "size": path.stat().st_size,
            "original_name": name or path.name,
            "kind": kind,
            "run": run,
        },
    )
    return row
