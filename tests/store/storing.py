"""Stores one thing by the door that people use; run as a program, which tests kill.

``python -m tests.store.storing WHAT PATH``: the content of PATH, as WHAT.
"""

from __future__ import annotations

import sys
from pathlib import Path

import django

django.setup()

from django.core.files.uploadedfile import TemporaryUploadedFile  # noqa: E402

from mppcqa.exchange.backup import back_up  # noqa: E402
from mppcqa.exchange.imports import take_in  # noqa: E402
from mppcqa.exchange.rotation import default_folder  # noqa: E402
from mppcqa.inventory.attachments import attach  # noqa: E402
from mppcqa.inventory.models import Device  # noqa: E402
from mppcqa.runs.files import save_file  # noqa: E402
from mppcqa.runs.models import RunFile  # noqa: E402


def store(what: str, path: Path) -> None:
    if what == "run file":
        save_file(path, kind=RunFile.Kind.RUN, run=None)
        path.unlink()
    elif what == "attachment":
        # As Django gives an upload that is too large for memory.
        upload = TemporaryUploadedFile("data.txt", "text/plain", path.stat().st_size, "utf-8")
        upload.write(path.read_bytes())
        upload.seek(0)
        attach(Device.objects.order_by("pk")[0], upload)
        path.unlink()
    elif what == "table":
        with path.open("rb") as file:
            take_in(iter(lambda: file.read(1 << 16), b""), path.name, kind="devices")
        path.unlink()
    else:
        back_up(default_folder())


if __name__ == "__main__":
    store(sys.argv[1], Path(sys.argv[2]))
