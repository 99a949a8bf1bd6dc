"""For how long migrations hold the tables of values: ``make bench BENCH=migrations``.

On a MariaDB of its own: the newest frozen database, with so many values more, comes forward to the
tables of today; then two made-up migrations show what the figures mean, one of which holds nobody
up and one that copies the table (`tests/frozen`). What copies takes as much longer as there are
more values: the seconds are told for 10^8 too. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pymysql

from benchmarks.mariadb import PASSWORD, OwnMariaDB

ROOT = Path(__file__).resolve().parents[1]
FROZEN = ROOT / "tests" / "frozen"
FULL = 1e8
AT_ONCE = 100_000
VALUES = """
INSERT INTO results_measurement
  (analysis_id, device_id, quantity_id, channel, condition_id, value, statistical, systematic)
SELECT {analysis}, seq DIV 320, seq DIV 16 MOD 20 + 1, seq MOD 16, 1, RAND(), RAND(), 0
FROM seq_0_to_{last}
"""


def main() -> int:
    """Measure each case in a database of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=float, default=1e6)
    values = int(parser.parse_args().values)
    version = max(one.name for one in FROZEN.iterdir() if one.name[0].isdigit())
    report: dict[str, Any] = {"frozen": version, "values": values}
    with tempfile.TemporaryDirectory(prefix="mppcqa-migrations-") as folder:  # noqa: SIM117
        with OwnMariaDB(Path(folder) / "mariadb") as server:
            for name, settings in (
                ("to the tables of today", "mppcqa.project.settings"),
                ("light example", "tests.frozen.later_light_settings"),
                ("heavy example", "tests.frozen.later_heavy_settings"),
            ):
                report[name] = measure(server, Path(folder), version, values, settings)
                print(f"{name}: {report[name]}", flush=True)
    print(json.dumps(report))
    return 1 if report["to the tables of today"]["faults"] else 0


def measure(
    server: OwnMariaDB, folder: Path, version: str, values: int, settings: str
) -> dict[str, Any]:
    """The steps of one case, with what each would take at `FULL` values."""
    address = {"host": "127.0.0.1", "port": server.port, "user": "mppcqa", "password": PASSWORD}
    with pymysql.connect(**address, autocommit=True) as link, link.cursor() as cursor:
        cursor.execute("DROP DATABASE mppcqa")
        cursor.execute("CREATE DATABASE mppcqa CHARACTER SET utf8mb4")
        home = folder / "home"
        home.mkdir(exist_ok=True, mode=0o700)
        environment = {
            **os.environ,
            "MPPCQA_HOME": str(home),
            "MPPCQA_DATABASE": server.url,
            "DJANGO_SETTINGS_MODULE": settings,
            "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        }
        kept = FROZEN / version / "mariadb.json.xz"
        python(environment, "tests.frozen.keeping", "fill", str(kept))
        cursor.execute("USE mppcqa")
        for number in range(max(1, values // AT_ONCE)):
            last = min(AT_ONCE, values) - 1
            cursor.execute(VALUES.format(analysis=1000 + number, last=last))
        found: dict[str, Any] = json.loads(python(environment, "tests.frozen.locks"))
    for step in found["steps"]:
        # INSTANT looks at no row, and nobody waits while an index is built INPLACE.
        longer = 1 if step["how"] == "INSTANT" else FULL / values
        step["seconds at 1e8"] = round(step["seconds"] * longer, 1)
        step["seconds held at 1e8"] = 0 if step["how"] == "INPLACE" else step["seconds at 1e8"]
    return found


def python(environment: dict[str, str], *arguments: str) -> str:
    """The last line of what a module says; its exit status tells of faults, which it names."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not done.stdout:
        raise RuntimeError(done.stderr)
    return done.stdout.splitlines()[-1] if done.stdout else ""


if __name__ == "__main__":
    sys.exit(main())
