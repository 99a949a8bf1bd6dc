"""Do the tests notice a fault? ``make bench BENCH=mutants ARGS="--mutants 300 --seed 1"``.

Small faults are put into the package, one at a time (a comparison, an operator, a number, a word
of logic turned; a call left out), drawn evenly over all places outside migrations, in a copy of
what is committed. A mutant dies where a test fails, or does not end, that passes without it. The
tests that are tried are those that pass the line by a coverage file with contexts
(``pytest --cov --cov-context=test``) and, where there is none, those that name its module, those
of its room first.

The last line is one JSON object with the share that died and every survivor. Status 1 where the
share is below ``--least``; when ``--minutes`` are over, what was tried counts.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import accumulate
from os import pathsep
from pathlib import Path
from typing import Any

from benchmarks.mutants_database import READY
from benchmarks.mutants_made import Mutant, all_mutants

ROOT = Path(__file__).resolve().parents[1]
MOST_TESTS = 25
"""Tests of a line that are tried, spread over those that pass it."""
DECLARED = "project/test_declared.py"
LINKED = ("build", "node_modules")
PLUGIN = () if os.environ.get("MPPCQA_DATABASE") else ("-p", "benchmarks.mutants_database")
LONG = 10.0
"""Seconds of each lot of tests: slower ones are left out."""
LASTED = re.compile(r"^ *([\d.]+)s (?:call|setup) +(\S+)", re.M)
FAILED = re.compile(r"^(?:FAILED|ERROR) (.+)", re.M)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutants", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--after", type=int, default=0, help="so many were tried before")
    parser.add_argument("--numbers", default="", help="only these of them, with commas between")
    parser.add_argument("--minutes", type=float, default=180, help="for all of them")
    parser.add_argument("--seconds", type=float, default=240, help="for the tests of one mutant")
    parser.add_argument("--least", type=float, default=0.7, help="share that must die")
    parser.add_argument("--coverage", type=Path, default=ROOT / ".coverage")
    parser.add_argument("--durations", type=Path, help="what that run printed of `--durations=0`")
    parser.add_argument("--jobs", type=int, default=1, help="mutants at a time")
    parser.add_argument("--only", default="", help="files whose path has this in it")
    options = parser.parse_args()
    every = [one for one in all_mutants(ROOT) if options.only in one.path]
    drawn = random.Random(options.seed).sample(every, min(options.mutants, len(every)))  # noqa: S311
    until = time.monotonic() + 60 * options.minutes
    passing = Passing.of(options.coverage, options.durations)

    some = {int(one) for one in options.numbers.split(",") if one}
    waiting = iter(
        [one for n, one in enumerate(drawn, 1) if (n in some or not some)][options.after :]
    )

    def try_them(copy: Copy) -> None:
        for mutant in waiting:
            if time.monotonic() > until:
                break
            mutant.fate = copy.fate_of(mutant, passing, options.seconds)
            print(f"{drawn.index(mutant) + 1}/{len(drawn)} {mutant}: {mutant.fate}", flush=True)

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        copies = [
            stack.enter_context(Copy(Path(folder) / f"{number}" / "tree"))
            for number in range(options.jobs)
        ]
        with ThreadPoolExecutor(options.jobs) as pool:
            list(pool.map(try_them, copies))
    report = summary([one for one in drawn if one.fate], options)
    print(json.dumps(report, ensure_ascii=False), flush=True)
    return 0 if report["share"] >= options.least else 1


def summary(tried: list[Mutant], options: argparse.Namespace) -> dict[str, Any]:
    """What became of the mutants; those that no test could be asked about are left out."""
    counted = [one for one in tried if one.fate != "untold"]
    died = [one for one in counted if one.fate != "lives"]
    rooms: dict[str, Counter[str]] = {}
    for one in counted:
        rooms.setdefault(one.room, Counter())["died" if one in died else "lives"] += 1
    return {
        "seed": options.seed,
        "drawn": options.mutants,
        "mutants": len(counted),
        "died": len(died),
        "share": round(len(died) / len(counted), 3) if counted else 0.0,
        "untold": len(tried) - len(counted),
        "rooms": {room: dict(count) for room, count in sorted(rooms.items())},
        "survivors": [str(one) for one in counted if one.fate == "lives"],
    }


@dataclass
class Passing:
    """Which tests pass which line, and how long each takes."""

    by_line: dict[str, dict[int, list[str]]] = field(default_factory=dict)
    in_file: dict[str, Counter[str]] = field(default_factory=dict)
    """Lines of each file that a test passes."""
    in_all: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, coverage: Path, durations: Path | None) -> Passing:
        """From a coverage file with contexts; empty where there is none."""
        found = cls()
        if durations:
            for lasted, test in LASTED.findall(durations.read_text(errors="replace")):
                found.seconds[test] += float(lasted)
        if not coverage.is_file():
            return found
        from coverage import CoverageData

        data = CoverageData(str(coverage))
        data.read()
        for path in data.measured_files():
            name = path[path.rindex("src/mppcqa/") :] if "src/mppcqa/" in path else path
            lines = found.by_line[name] = {
                line: sorted({one.partition("|")[0] for one in contexts} - {""})
                for line, contexts in data.contexts_by_lineno(path).items()
            }
            there = found.in_file[name] = Counter()
            for tests in lines.values():
                there.update(tests)
            found.in_all.update(there)
        return found

    def tests_of(self, mutant: Mutant) -> list[list[str]]:
        """Those that pass its line, in two lots: the likeliest to notice, and some of the others.

        Likely are tests of the mutant's own room, and those that pass little besides its file: a
        line that each fixture passes is passed by thousands that look at something else. Quick
        ones come first, and slow ones are left out. What is compiled, and what is read as a module
        is loaded, is passed by none: there it is those of its file, or of its room.
        """
        there = self.in_file.get(mutant.path, Counter())
        of_room = [one for one in self.in_all if one.split("/")[1] == mutant.room]
        tests = self.by_line.get(mutant.path, {}).get(mutant.line) or [*there] or of_room

        def likely(test: str) -> tuple[bool, float]:
            return test.split("/")[1] == mutant.room, there[test] / self.in_all[test]

        ranked = sorted(tests, key=likely, reverse=True)
        first, others = ranked[:MOST_TESTS], ranked[MOST_TESTS:]
        others = random.Random(mutant.line).sample(others, min(len(others), 2 * MOST_TESTS))  # noqa: S311
        return [self._quick(one) for one in (first, others) if one]

    def _quick(self, tests: list[str]) -> list[str]:
        tests = sorted(tests, key=lambda one: self.seconds[one])
        ends = list(accumulate(self.seconds[one] for one in tests))
        return [one for one, end in zip(tests, ends, strict=True) if end < LONG] or tests[:1]


@dataclass
class Copy:
    """A work tree of what is committed, for one mutant at a time."""

    tree: Path
    sound: dict[str, bool] = field(default_factory=dict)
    """Whether a test passes without any mutant."""

    def __enter__(self) -> Copy:
        command = ["git", "-C", str(ROOT), "worktree", "add", "--quiet", "--detach"]
        subprocess.run([*command, str(self.tree), "HEAD"], check=True)
        beside = (self.tree.parent / "shared", ROOT.parent / "shared")
        for made, there in (beside, *((self.tree / one, ROOT / one) for one in LINKED)):
            if there.exists():
                made.symlink_to(there)
        # Once, not once a mutant: each process would compile a thousand files anew.
        compile_all = [sys.executable, "-m", "compileall", "-q", "src", "tests"]
        subprocess.run(compile_all, cwd=self.tree, check=False)
        # Without these, tests of the Spanish words fail whatever is put in.
        for made in (ROOT / "src").rglob("LC_MESSAGES/*.mo"):
            shutil.copy(made, self.tree / made.relative_to(ROOT))
        return self

    def __exit__(self, *_raised: object) -> None:
        command = ["git", "-C", str(ROOT), "worktree", "remove", "--force", str(self.tree)]
        subprocess.run(command, check=True)

    def fate_of(self, mutant: Mutant, passing: Passing, seconds: float) -> str:
        """``died``, ``hung``, ``lives``, or ``untold`` where its tests fail without it, too."""
        near = self._tests_of_room(mutant)
        lots = passing.tests_of(mutant) or [near] * bool(near)
        lots.append(self._tests_of_what_is_kept(mutant))
        path = self.tree / mutant.path
        before, when = path.read_bytes(), path.stat().st_mtime_ns
        path.write_bytes(mutant.applied(before))
        tests: list[str] = []
        failed: list[str] | None = []
        try:
            for tests in lots:
                failed = self._failing(tests, seconds, mutant)
                if failed != []:
                    break
        finally:
            path.write_bytes(before)
            os.utime(path, ns=(when, when))  # what was compiled of it stands
        if failed is None:
            return "hung" if self._failing(tests, seconds) == [] else "untold"
        if not failed:
            return "lives"
        return "died" if any(self._is_sound(one, seconds) for one in failed) else "untold"

    def _is_sound(self, test: str, seconds: float) -> bool:
        if test not in self.sound:
            self.sound[test] = self._failing([test], seconds) == []
        return self.sound[test]

    def _tests_of_room(self, mutant: Mutant) -> list[str]:
        """Files of tests in the room's folder that name the module, and those of any that do."""
        module = mutant.path.removeprefix("src/").removesuffix(".py").replace("/", ".")
        module = module.removesuffix(".__init__")
        there = sorted(self.tree.glob("tests/*/test_*.py"))
        naming = [one for one in there if module in one.read_text(encoding="utf-8")]
        if not naming:
            above = module.rpartition(".")[0]
            naming = [one for one in there if above in one.read_text(encoding="utf-8")]
        in_room = [one for one in there if one.parent.name == mutant.room]
        near = sorted(naming, key=lambda one: one not in in_room)[:4]
        return [one.relative_to(self.tree).as_posix() for one in near or in_room[:4]]

    def _tests_of_what_is_kept(self, mutant: Mutant) -> list[str]:
        """Those that hold pages, numbers, readings … to what they were; of the own room first."""
        there = [*self.tree.glob("tests/*/test_*_kept.py"), self.tree / "tests" / DECLARED]
        ranked = sorted(there, key=lambda one: (one.parent.name != mutant.room, one.name))
        return [one.relative_to(self.tree).as_posix() for one in ranked if one.exists()]

    def _failing(
        self, tests: list[str], seconds: float, mutant: Mutant | None = None
    ) -> list[str] | None:
        """The first test that fails, empty if none does; None where they do not end."""
        environment = {
            **os.environ,
            READY: str(self.tree.parent / "ready.sqlite3"),
            "PYTHONPATH": pathsep.join([str(self.tree / "src"), str(self.tree)]),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if mutant and mutant.room == "physics":
            # Machine code of the mutant must not be taken for the sound one's.
            environment["NUMBA_CACHE_DIR"] = str(self.tree.parent / "compiled")
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "--no-header", "-rfE"]
        try:
            done = subprocess.run(
                [*command, "-p", "no:cacheprovider", "-p", "no:schemathesis", *PLUGIN, *tests],
                cwd=self.tree,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return None
        if done.returncode in (0, 5):  # 5: nothing was collected
            return []
        # What a test is called may have blanks, and a fault's first line follows it. Where not even
        # the collection came to an end, the first file stands for it.
        told = FAILED.findall(done.stdout)
        known = [one for one in tests for line in told if line.startswith(one) and "::" in one]
        return known or [line.partition(" - ")[0] for line in told] or tests[:1]


if __name__ == "__main__":
    sys.exit(main())
