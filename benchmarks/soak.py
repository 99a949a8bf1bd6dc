"""The long test of everything at once: ``make soak``. Exit status 0 only if all of it held.

A MariaDB, a RabbitMQ, web server, bell, workers, scheduler and four stations of our own; 30 people
look at pages, write comments, register devices and start runs. Meanwhile a seeded script kills the
database, the broker, the web server, the workers, the scheduler and the stations' links, each three
times at least, lets clocks jump and fills the disk once. Whatever was killed is started again as
systemd does it. Afterwards `fsck`, `audit verify` and `summaries check` must find nothing, each
write that somebody was told of must be there, a page of an error may have been seen while the
database was away alone, and pages must be as quick as before ten seconds after whatever is back:
each strike leaves a window with requests enough to judge that, and one that was not judged is a
fault. So a run takes longer than it was given where few are answered.

As root, for a small disk is mounted; ``--minutes 10`` is the full run; one of less than 8 strikes
each kind once.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.broker import OwnRabbit
from benchmarks.mariadb import OwnMariaDB

ROOT = Path(__file__).resolve().parents[1]
DISK_MB = 1500


def main() -> int:
    """Start the servers, and what works on them in the same process: it kills them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--each", type=int, help="strikes a kind; 3, in less than 8 minutes 1")
    parser.add_argument("--people", type=int, default=30)
    parser.add_argument("--stations", type=int, default=4)
    options = parser.parse_args()
    options.each = options.each or (3 if options.minutes >= 8 else 1)
    # Whoever stops it leaves no server behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix="mppcqa-soak-"))
    with small_disk(folder / "home") as home, OwnMariaDB(folder / "mariadb") as mariadb:
        with OwnRabbit(folder / "rabbit") as rabbit:
            set_environment(home, mariadb.url, rabbit.url)
            from benchmarks.soak_run import Soak

            report = Soak(home, folder, mariadb, rabbit, options).run()
        if report["faults"]:
            shutil.copytree(home / "logs", folder / "logs")
    report |= {"seed": options.seed, "minutes": options.minutes, "each": options.each}
    print(json.dumps(report), flush=True)
    if report["faults"]:
        print(f"left for a look: {folder}", file=sys.stderr)
        return 1
    shutil.rmtree(folder)
    return 0


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk that can be filled without harm to anybody."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(folder)]
    subprocess.run(mount, check=True)
    try:
        (folder / "logs").mkdir(mode=0o700)
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def set_environment(home: Path, database: str, broker: str) -> None:
    """For this process and all that it starts."""
    os.environ |= {
        "MPPCQA_HOME": str(home),
        "MPPCQA_DATABASE": database,
        "MPPCQA_BROKER": broker,
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "MPPCQA_QUEUE_PREFIX": "soak",
        "MPPCQA_STATION_LEASE_H": "0.05",
        "PYTHONPATH": os.pathsep.join(
            [str(ROOT / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
    }


if __name__ == "__main__":
    sys.exit(main())
