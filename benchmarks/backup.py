"""A backup while people write, restored elsewhere: ``make bench BENCH=backup ARGS="--values 1e7"``.

On a MariaDB of its own: a campaign of so many values by the real ingest, with 1,000 stored files.
While another process takes in more, `mppcqa backup` copies all of it. Another home with a database
of another kind (SQLite; ``--to mariadb``: a second server) gets it by `mppcqa restore`; there
`fsck`, `audit verify` and `summaries check` must find nothing, and a backup of that must hold,
table for table and file for file, what the first one held.
The last line is one JSON object of seconds and sizes; exit status 0 only if all was equal.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks.mariadb import OwnMariaDB

ROOT = Path(__file__).resolve().parents[1]
FINGERPRINT = re.compile(r"(?:[0-9a-f]{4} )+[0-9a-f]{4}")
FILES = 1000
FILE_BYTES = 50_000
MOVES_ON = ("audit_", "store_storedfault")
"""Tables in which a restore and the checks enter that they were made."""


def main() -> int:
    """Fill, back up, restore, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=float, default=1e6)
    parser.add_argument("--to", choices=("sqlite", "mariadb"), default="sqlite")
    parser.add_argument("--child", choices=("fill", "write"))
    parser.add_argument("--stop", type=Path)
    options = parser.parse_args()
    if options.child:
        return child(options.child, int(options.values), options.stop)
    with tempfile.TemporaryDirectory(prefix="mppcqa-backup-") as name:
        folder = Path(name)
        with ExitStack() as servers:
            here = servers.enter_context(OwnMariaDB(folder / "here")).url
            there = f"sqlite:///{folder / 'there.sqlite3'}"
            if options.to == "mariadb":
                there = servers.enter_context(OwnMariaDB(folder / "there")).url
            report = {"to": options.to, **measure(folder, here, there, int(options.values))}
    print(json.dumps(report), flush=True)
    return 1 if report["faults"] else 0


def measure(folder: Path, here: str, there: str, values: int) -> dict[str, Any]:
    """Seconds of each step, and what was not equal."""
    ours, theirs = (environment(folder, name, url) for name, url in (("a", here), ("b", there)))
    report: dict[str, Any] = {"values": values, "faults": []}
    bench = ["-m", "benchmarks.backup", "--values", str(values)]
    report["filled_s"], _told = run(ours, *bench, "--child", "fill")
    stop = folder / "stop"
    writer = subprocess.Popen(
        [sys.executable, *bench, "--child", "write", "--stop", str(stop)],
        env=ours, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    report["backup_s"], _told = run(ours, "-m", "mppcqa.cli", "backup", str(folder / "first"))
    stop.touch()
    report["written_meanwhile"] = int(writer.communicate(timeout=300)[0].split()[-1])
    [first] = (folder / "first").glob("mppcqa-*")
    report["backup_mb"] = round(sum(one.stat().st_size for one in files_of(first)) / 1e6)
    _s, key = run(ours, "-m", "mppcqa.cli", "backup", "--key")
    found = FINGERPRINT.search(key)
    assert found is not None, key
    signed = ["--signed-by", found[0]]
    report["verify_s"], _told = run(
        ours, "-m", "mppcqa.cli", "backup", "--verify", str(first), *signed
    )
    run(theirs, "-m", "mppcqa.cli", "django", "migrate", "-v0")
    report["restore_s"], _told = run(theirs, "-m", "mppcqa.cli", "restore", str(first), *signed)
    for check in (["fsck"], ["audit", "verify"], ["summaries", "check"]):
        seconds, _told = run(theirs, "-m", "mppcqa.cli", *check, may_fail=report["faults"])
        report[f"{' '.join(check)}_s"] = seconds
    run(theirs, "-m", "mppcqa.cli", "backup", str(folder / "second"))
    [second] = (folder / "second").glob("mppcqa-*")
    before, after = (json.loads((one / "manifest.json").read_text()) for one in (first, second))
    report["tables"], report["files"] = len(before["tables"]), len(before["files"])
    report["rows_of_values"] = before["tables"]["results_measurement"]["rows"]
    for name in before["tables"]:
        if not name.startswith(MOVES_ON) and not equal(first, second, name):
            report["faults"].append(f"{name} is not what it was")
    if before["files"] != after["files"]:
        report["faults"].append("the files are not those that they were")
    return report


def equal(one: Path, other: Path, name: str) -> bool:
    """Whether two backups hold the same rows of a table; files differ by how rows were fetched."""
    import pyarrow.parquet as pq

    first, second = (pq.read_table(path / "tables" / f"{name}.parquet") for path in (one, other))
    return bool(first.equals(second))


def files_of(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()]


def environment(folder: Path, name: str, url: str) -> dict[str, str]:
    """Of a computer with a home and a database of its own."""
    home = folder / f"home-{name}"
    home.mkdir(mode=0o700)
    return {
        **os.environ,
        "MPPCQA_HOME": str(home),
        "MPPCQA_DATABASE": url,
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
    }


def run(
    env: dict[str, str], *arguments: str, may_fail: list[str] | None = None
) -> tuple[float, str]:
    """Seconds, and what it said; a failure is told in `may_fail`, or stops all."""
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], env=env, capture_output=True, text=True, check=False
    )
    seconds = round(time.perf_counter() - began, 1)
    print(f"{' '.join(arguments[2:5])}: {seconds} s", file=sys.stderr, flush=True)
    if done.returncode:
        text = f"{' '.join(arguments)}: {(done.stdout + done.stderr)[-1500:]}"
        if may_fail is None:
            raise RuntimeError(text)
        may_fail.append(text)
    return seconds, done.stdout


def child(what: str, values: int, stop: Path | None) -> int:
    """In a process on the database: the campaign, or somebody who goes on taking in."""
    import django

    django.setup()
    import numpy as np
    from django.core.management import call_command
    from django.db import transaction

    from benchmarks import database_fill as made_up
    from mppcqa.inventory.models import Device

    rng = np.random.default_rng(1)
    wanted = values // made_up.VALUES_A_DEVICE + 1
    if what == "fill":
        call_command("migrate", verbosity=0, interactive=False)
        ids = made_up.prepare(wanted + wanted // 2 + 1000)
        made_up.fill(ids[:wanted], rng)
        save_files(FILES)
        return 0
    ids = list(Device.objects.order_by("pk").values_list("pk", flat=True))[wanted:]
    written = 0
    while stop is not None and not stop.exists() and written + 16 <= len(ids):
        written += 16
        with transaction.atomic():  # a run file is never without its content
            made_up.fill(ids[written - 16 : written], rng)
            save_files(FILES)
    print(written * made_up.VALUES_A_DEVICE)
    return 0


def save_files(most: int) -> None:
    """A content for each run file that has none yet, and attachments until there are `most`."""
    from io import BytesIO

    from mppcqa.inventory.models import Attachment, Device
    from mppcqa.runs.models import RunFile
    from mppcqa.store.keeping import keeping

    device = Device.objects.earliest("pk")
    for row in RunFile.objects.filter(size=1):
        with keeping(BytesIO(os.urandom(FILE_BYTES)), "runs", ".root") as kept:
            row.file, row.sha256, row.size = kept.name, kept.sha256, kept.size
            row.save(update_fields=["file", "sha256", "size"])
    there = RunFile.objects.count() + Attachment.objects.count()
    for number in range(there, most):
        with keeping(BytesIO(os.urandom(FILE_BYTES)), "attachments", ".txt") as kept:
            name = f"{number}.txt"
            Attachment.objects.create(
                device=device, file=kept.name, original_name=name, sha256=kept.sha256
            )


if __name__ == "__main__":
    sys.exit(main())
