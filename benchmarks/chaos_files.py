"""The fault test of stored files: killed at random moments while they store, export, back up.

``python -m benchmarks.chaos_files SEED KILLS``, in a home folder of its own; see `chaos`. Each
victim is a child of this process, killed with KILL after a random part of the time that its work
takes. Then every file that had been given must be there byte for byte, as an original that waits
or as a stored file; what still waits must be storable; every backup must hold what it says; and
`fsck` must find no file missing or damaged, and nothing at all once it has repaired.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import django

django.setup()

from django.core.files import File  # noqa: E402
from django.core.files.uploadedfile import UploadedFile  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402

from mppcqa.exchange import fsck  # noqa: E402
from mppcqa.exchange.backup import back_up, stated_faults, verify  # noqa: E402
from mppcqa.exchange.exports import ask_export  # noqa: E402
from mppcqa.exchange.imports import take_in  # noqa: E402
from mppcqa.exchange.models import Import  # noqa: E402
from mppcqa.exchange.rotation import backups_of, default_folder, rotate  # noqa: E402
from mppcqa.inventory.actions import register_devices  # noqa: E402
from mppcqa.inventory.attachments import MOST, attach  # noqa: E402
from mppcqa.inventory.models import Attachment, Device, DeviceType  # noqa: E402
from mppcqa.runs.files import save_file  # noqa: E402
from mppcqa.runs.models import RunFile  # noqa: E402
from mppcqa.store.keeping import surviving_power_cuts  # noqa: E402

HOME = Path(os.environ["MPPCQA_HOME"])
WAITING = HOME / "originals"
LARGEST = 6_000_000
KINDS = {"run file": 45, "attachment": 15, "table": 10, "export": 10, "backup": 20}


@dataclass
class Given:
    """A file that somebody wants kept."""

    kind: str
    path: Path
    sha256: str


def give(kind: str, number: int, rng: random.Random) -> Given:
    """A file of some size that is in the world once."""
    path = WAITING / f"{number}.txt"
    line = b"%d %d\n" % (number, rng.getrandbits(64))
    path.write_bytes(line * max(1, rng.randint(1000, LARGEST) // len(line)))
    return Given(kind, path, sha256(path.read_bytes()).hexdigest())


def work(kind: str, path: Path | None) -> None:
    """What a victim does, by the doors that people and tasks use; the original goes last."""
    if kind == "backup":
        back_up(default_folder())
        rotate(default_folder())
    elif kind == "export":
        ask_export("devices", "csv", {})
    if path is None:
        return
    if kind == "run file":
        with surviving_power_cuts():
            save_file(path, kind=RunFile.Kind.RUN, run=None)
    elif kind == "attachment":
        device = Device.objects.order_by("?")[0]
        assert device.attachments.count() < MOST
        with path.open("rb") as file:
            attach(device, UploadedFile(File(file), path.name, size=path.stat().st_size))
    else:
        with path.open("rb") as file:
            take_in(iter(lambda: file.read(1 << 16), b""), path.name, kind="devices")
    path.unlink()


def victim(kind: str, path: Path | None, after_s: float | None) -> tuple[bool, float]:
    """Do it in a child, and kill that after a time; whether it was caught, and its time."""
    connections.close_all()
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work(kind, path)
            status = 0
        finally:
            os._exit(status)
    if after_s is not None:
        time.sleep(after_s)
        os.kill(child, signal.SIGKILL)
    _child, status = os.waitpid(child, 0)
    caught = os.WIFSIGNALED(status)
    if not caught and os.WEXITSTATUS(status):
        raise RuntimeError(f"{kind} of {path} failed by itself")
    return caught, time.monotonic() - started


def harass(seed: int, kills: int) -> tuple[list[Given], Counter[str]]:
    """Kill so many; what was given, and what was caught at what."""
    rng = random.Random(seed)  # noqa: S311
    given: list[Given] = []
    caught: Counter[str] = Counter()
    number = 0
    takes = {}
    for kind in KINDS:
        number += 1
        one = None if kind in ("backup", "export") else give(kind, number, rng)
        given += [one] if one else []
        takes[kind] = victim(kind, one and one.path, None)[1]
    while caught.total() < kills:
        number += 1
        kind = rng.choices(list(KINDS), list(KINDS.values()))[0]
        one = None if kind in ("backup", "export") else give(kind, number, rng)
        given += [one] if one else []
        hit, lived = victim(kind, one and one.path, rng.uniform(0, takes[kind]))
        if hit:
            caught[kind] += 1
        else:
            takes[kind] = (takes[kind] + lived) / 2  # it was quicker than thought
    return given, caught


def stored_as(one: Given) -> list[Path]:
    """Where rows say that a given file lies."""
    if one.kind == "table":
        return [row.path for row in Import.objects.filter(sha256=one.sha256)]
    model = RunFile if one.kind == "run file" else Attachment
    return [Path(row.file.path) for row in model.objects.filter(sha256=one.sha256)]


def judge(given: list[Given]) -> list[str]:
    """Everything that is not as promised."""
    faults = []
    for one in given:
        if one.path.exists():
            # It waits, whole; whoever tries again gets it in.
            if sha256(one.path.read_bytes()).hexdigest() != one.sha256:
                faults.append(f"{one} was changed where it waited")
            work(one.kind, one.path)
        paths = stored_as(one)
        if not paths:
            faults.append(f"{one} is lost")
        faults += [
            f"{one} is not what lies at {path}"
            for path in paths
            if not path.is_file() or sha256(path.read_bytes()).hexdigest() != one.sha256
        ]
    for backup in backups_of(default_folder()):
        faults += [f"{backup.name}: {text}" for text in (*verify(backup), *stated_faults(backup))]
    return faults + judge_store()


def judge_store() -> list[str]:
    fsck.YOUNG_S = -1.0  # nothing is on its way any more
    # An upload that was killed has left a row without a table; people remove it on its page.
    for row in Import.objects.filter(sha256=""):
        row.delete()
    found = fsck.check_store().findings
    faults = [f"fsck: {one}" for one in found if one.kind in ("missing", "damaged", "rights")]
    fsck.check_store(repair=True)
    return faults + [f"after the repair: {one}" for one in fsck.check_store().findings]


def main(seed: int, kills: int) -> int:
    WAITING.mkdir()
    call_command("migrate", verbosity=0, interactive=False)
    DeviceType.objects.create(name="chaos", nominal_breakdown_v=50.0)
    rows: list[dict[str, Any]] = [
        {"serial": f"C-{number}", "device_type": "chaos"} for number in range(2000)
    ]
    register_devices(rows)
    started = time.monotonic()
    given, caught = harass(seed, kills)
    waiting = sum(one.path.exists() for one in given)
    took = time.monotonic() - started
    faults = judge(given)
    report = {"kills": dict(caught), "files": len(given), "waiting": waiting}
    report |= {"took_s": round(took, 1), "backups": len(backups_of(default_folder()))}
    print(json.dumps(report | {"faults": faults[:20]}))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
