"""A large campaign: ``make bench BENCH=database ARGS="--sizes 1e5,1e6"``.

Makes a campaign of 10^5, then 10^6, then 10^7 values by the real ingest, on SQLite and on MariaDB,
and measures what people ask of it: rates of ingest and bulk import beside the database's own
on the same rows, bytes a value, server time and queries of the pages at each size, a mixed load on
gunicorn, a recount of all summaries, an export. The last line is one JSON object.

MariaDB is the server of ``MPPCQA_DATABASE`` (``mysql://...``), where the database ``NAME_bench``
belongs to this benchmark: it is made anew at the start, and dropped at the end unless ``--keep``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

ROOT = Path(__file__).resolve().parents[1]
SIZES = "1e5,1e6,1e7"


def main(sizes: str = SIZES, engines: str = "sqlite,mariadb", steps: str = "") -> int:
    """Measure each engine in a process of its own; `steps` names some of them, empty means all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default=sizes, help="numbers of values, ascending")
    parser.add_argument("--engines", default=engines, help="sqlite, mariadb or both")
    parser.add_argument("--keep", action="store_true", help="leave the databases for a look")
    parser.add_argument("--steps", default=steps, help="after the fill; by default all of them")
    options = parser.parse_args()
    report: dict[str, Any] = {}
    status = 0
    for engine in options.engines.split(","):
        # One place, emptied first: what a killed run left is gone when the next one starts.
        home = Path(tempfile.gettempdir()) / f"mppcqa-bench-{engine}"
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(mode=0o700)
        try:
            status |= _measure(engine, home, options, report)
        finally:
            if not options.keep:
                shutil.rmtree(home, ignore_errors=True)
    print(json.dumps(report), flush=True)
    return status


def _measure(engine: str, home: Path, options: argparse.Namespace, report: dict[str, Any]) -> int:
    if engine == "sqlite":
        return _child(engine, f"sqlite:///{home}/bench.sqlite3", home, options, report)
    given = os.environ.get("MPPCQA_DATABASE", "")
    if not given.startswith("mysql:"):
        print("MariaDB: set MPPCQA_DATABASE=mysql://user:password@host/name", file=sys.stderr)
        report[engine] = {"fault": "MPPCQA_DATABASE names no MariaDB"}
        return 1
    url = urlsplit(given)
    name = f"{url.path.strip('/')}_bench"
    execute(url, f"DROP DATABASE IF EXISTS `{name}`")
    execute(url, f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
    try:
        database = url._replace(path=f"/{name}").geturl()
        return _child(engine, database, home, options, report)
    finally:
        if not options.keep:
            execute(url, f"DROP DATABASE `{name}`")


def execute(url: Any, statement: str) -> None:
    with pymysql.connect(
        host=url.hostname,
        port=url.port or 3306,
        user=unquote(url.username or ""),
        password=unquote(url.password or ""),
    ) as connection:
        connection.cursor().execute(statement)


def _child(
    engine: str, database: str, home: Path, options: argparse.Namespace, report: dict[str, Any]
) -> int:
    environment = {
        **os.environ,
        "MPPCQA_DATABASE": database,
        "MPPCQA_HOME": str(home),
        "MPPCQA_BROKER": "filesystem://localhost",
        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
        "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    }
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.database_run", options.sizes, options.steps],
        env=environment,
        stdout=subprocess.PIPE,
        check=False,
        cwd=ROOT,
    )
    lines = done.stdout.decode().splitlines()
    report[engine] = json.loads(lines[-1]) if lines else {"fault": "ended without a report"}
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
