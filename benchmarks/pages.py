"""Pages of an older commit and of this one, side by side: ``make bench BENCH=pages``.

Both sides run in processes of their own, each with a database that its own code made: the older one
from a git worktree. Ten main pages are asked for in alternated pairs, so that what else the machine
does falls on both. Filled databases, and the worktree, are kept below ``--cache`` and used again: a
database is made anew when its code's migrations or what fills it have changed.

The last line is one JSON object: the median of the pairs' ratios new to old, the ratio of the two
p95, the numbers of queries, and the time of a page's first request in a process. The status is 1
where a median ratio is above 1.1, a p95 above 1.25, or a page asks more.

SQLite by default; MariaDB where ``MPPCQA_DATABASE`` names one (databases ``NAME_pages_…``).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from benchmarks.database import execute

ROOT = Path(__file__).resolve().parents[1]
OLD = "6de3ce1"
MOST_MEDIAN = 1.1
MOST_P95 = 1.25


def main() -> int:
    """Measure both sides and compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--old", default=OLD, help="commit to compare with")
    parser.add_argument("--values", type=float, default=1e6, help="values in each database")
    parser.add_argument("--pairs", type=int, default=60, help="pairs of requests a page")
    cache = Path(tempfile.gettempdir()) / "mppcqa-bench-pages"
    parser.add_argument("--cache", type=Path, default=cache, help="where databases are kept")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True, mode=0o700)
    sides = [
        Side("old", worktree(options.old, options.cache), options),
        Side("new", ROOT, options),
    ]
    try:
        starts = [side.start() for side in sides]
        report = compare(sides, starts, options.pairs)
    finally:
        for side in sides:
            side.end()
    report |= {"old": options.old, "values": int(options.values), "pairs": options.pairs}
    print(json.dumps(report), flush=True)
    return 0 if report["holds"] else 1


def worktree(commit: str, cache: Path) -> Path:
    """The files of a commit, with the front-end that is built here."""
    git = ["git", "-C", str(ROOT)]
    full = subprocess.run(
        [*git, "rev-parse", "--verify", f"{commit}^{{commit}}"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    place = cache / full[:12]
    if not (place / "pyproject.toml").is_file():
        subprocess.run([*git, "worktree", "prune"], check=True)
        subprocess.run([*git, "worktree", "add", "--detach", str(place), full], check=True)
    for name in ("build", "node_modules"):
        if (ROOT / name).exists() and not (place / name).exists():
            (place / name).symlink_to(ROOT / name)
    return place


def packages(tree: Path) -> Path:
    """A folder with the packages of a commit's lock file that this environment has no more."""
    place = tree.with_name(f"{tree.name}-packages")
    locks = [re.split(r"\n(?=\w)", (one / "requirements.lock").read_text()) for one in (tree, ROOT)]
    old, new = ({entry.partition("==")[0]: entry for entry in lock} for lock in locks)
    wanted = [old[name] for name in sorted(old.keys() - new.keys()) if "==" in old[name]]
    if wanted and not place.exists():
        listed = tree.with_name(f"{tree.name}-packages.txt")
        listed.write_text("\n".join(wanted))
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--target", str(place), "-r", str(listed)], check=True)
    return place


class Side:
    """A process that answers for one commit's pages."""

    def __init__(self, name: str, tree: Path, options: argparse.Namespace) -> None:
        self.name, self.tree, self.values = name, tree, int(options.values)
        key = f"{self.values}-{digest(tree)}"
        self.home = options.cache / f"{name}-{key}"
        self.home.mkdir(exist_ok=True, mode=0o700)
        given = os.environ.get("MPPCQA_DATABASE", "")
        self.database = f"sqlite:///{self.home}/pages.sqlite3"
        if given.startswith("mysql:"):
            url = urlsplit(given)
            name = f"{url.path.strip('/')}_pages_{name}_{digest(tree)}_{self.values}"
            execute(url, f"CREATE DATABASE IF NOT EXISTS `{name}` CHARACTER SET utf8mb4")
            self.database = url._replace(path=f"/{name}").geturl()
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> dict[str, Any]:
        """Fill the database if need be, ask for every page once; what that showed."""
        path = [self.tree / "src", self.tree]
        if self.tree != ROOT:
            path.append(packages(self.tree))
        environment = {
            **os.environ,
            "MPPCQA_DATABASE": self.database,
            "MPPCQA_HOME": str(self.home),
            "MPPCQA_BROKER": "filesystem://localhost",
            "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
            "PYTHONPATH": os.pathsep.join(map(str, path)),
        }
        # -P: the folder of the script holds modules called as those of the standard library.
        command = [sys.executable, "-P", str(ROOT / "benchmarks" / "pages_side.py")]
        self.process = subprocess.Popen(
            [*command, str(self.values)],
            env=environment,
            cwd=self.tree,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self._read()

    def ask(self, page: str, turn: int) -> float:
        """Milliseconds of one request."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{page} {turn}\n")
        self.process.stdin.flush()
        return float(self._read()["ms"])

    def _read(self) -> dict[str, Any]:
        """The next line that is an answer; others are shown."""
        assert self.process is not None
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):
                answer: dict[str, Any] = json.loads(line)
                return answer
            print(f"{self.name}: {line.rstrip()}", flush=True)
        raise SystemExit(f"{self.name}: ended with status {self.process.wait()}")

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)


def digest(tree: Path) -> str:
    """What a database is made of: the code's migrations, and what fills it."""
    files = sorted(tree.glob("src/mppcqa/*/migrations/*.py"))
    found = hashlib.sha256()
    for path in (*files, tree / "benchmarks" / "database_fill.py"):
        found.update(path.read_bytes())
    return found.hexdigest()[:8]


def compare(sides: list[Side], starts: list[dict[str, Any]], pairs: int) -> dict[str, Any]:
    """Ask both sides for each page in turn, each first as often as the other."""
    pages: dict[str, Any] = {}
    for page in starts[1]["queries"]:
        if page not in starts[0]["queries"]:
            continue
        times = np.empty((pairs, 2))
        for turn in range(pairs):
            for one in (0, 1) if turn % 2 else (1, 0):
                times[turn, one] = sides[one].ask(page, turn)
        old, new = np.percentile(times, 95, axis=0).tolist()
        queries = [start["queries"][page] for start in starts]
        pages[page] = {
            "median_ratio": round(float(np.median(times[:, 1] / times[:, 0])), 3),
            "p95_ratio": round(new / old, 3),
            "median_ms": np.median(times, axis=0).round(2).tolist(),
            "p95_ms": [round(old, 2), round(new, 2)],
            "queries": queries,
            "first_ms": [round(start["first_ms"][page], 1) for start in starts],
        }
        print(f"{page}: {json.dumps(pages[page])}", flush=True)
    wrong = [
        page
        for page, one in pages.items()
        if one["median_ratio"] > MOST_MEDIAN
        or one["p95_ratio"] > MOST_P95
        or one["queries"][1] > one["queries"][0]
    ]
    return {
        "holds": not wrong,
        "beyond": wrong,
        "median_ratio": max(one["median_ratio"] for one in pages.values()),
        "p95_ratio": max(one["p95_ratio"] for one in pages.values()),
        "more_queries": max(one["queries"][1] - one["queries"][0] for one in pages.values()),
        "pages": pages,
    }


if __name__ == "__main__":
    sys.exit(main())
