"""Does each example of ``docs/examples`` hold still? ``make release-check`` runs this.

An example is a small change as a patch: what a task of ``docs/architecture.md`` touches. Its head
says how many files that may be, counted in ``src/`` (without migrations and catalogues of texts)
and among the tests, and which tests must pass once it is applied.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
MOST = re.compile(r"^Files: at most (\d+)(, in src/ in one folder)?$", re.M)
TESTS = re.compile(r"^Tests: (.+)$", re.M)
TOUCHED = re.compile(r"^diff --git a/(\S+) b/", re.M)


def counted(path: str) -> bool:
    """Whether a file that is touched counts as one that somebody has to think of."""
    place = PurePosixPath(path)
    return place.suffix != ".po" and "migrations" not in place.parts


def faults_of_size(name: str, text: str) -> list[str]:
    """What is wrong with the number of files that an example touches."""
    said = MOST.search(text)
    if said is None:
        return [f"{name}: its head does not say how many files it may touch"]
    files = [path for path in TOUCHED.findall(text) if counted(path)]
    print(f"{name}: {len(files)} of {said[1]} files: {', '.join(files)}")
    faults = []
    if len(files) > int(said[1]):
        faults.append(f"{name}: touches {len(files)} files, more than {said[1]}")
    folders = {PurePosixPath(path).parent for path in files if path.startswith("src/")}
    if said[2] and len(folders) > 1:
        faults.append(f"{name}: touches {', '.join(map(str, sorted(folders)))}, not one folder")
    return faults


def faults_of_use(path: Path, text: str, folder: Path) -> list[str]:
    """Apply it to a copy of what is committed, and run its tests there."""
    tree = folder / path.stem
    if run("git", "worktree", "add", "--quiet", "--detach", str(tree), "HEAD", at=ROOT):
        return [f"{path.name}: there is no copy to apply it to"]
    try:
        if run("git", "apply", str(path), at=tree):
            return [f"{path.name}: can't be applied any more"]
        tests = TESTS.search(text)
        if tests is None:
            return [f"{path.name}: its head names no tests"]
        build = ROOT / "build"
        if build.exists():
            (tree / "build").symlink_to(build)
        command = [sys.executable, "-m", "pytest", "-q", "-n", "0", *shlex.split(tests[1])]
        return [f"{path.name}: its tests fail"] if run(*command, at=tree) else []
    finally:
        run("git", "worktree", "remove", "--force", str(tree), at=ROOT)


def run(*command: str, at: Path) -> int:
    """The status of a command in a folder, with the code there."""
    paths = os.pathsep.join([str(at / "src"), str(at)])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.run(command, cwd=at, env=environment, check=False).returncode  # noqa: S603


def main() -> int:
    """Check the examples that are named, or all of them."""
    wanted = sys.argv[1:]
    faults: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted(EXAMPLES.glob("*.patch")):
            if wanted and path.stem not in wanted:
                continue
            text = path.read_text(encoding="utf-8")
            faults += faults_of_size(path.name, text)
            faults += faults_of_use(path, text, Path(folder))
    print("\n".join(faults) or "Every example holds.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
