"""The source package: it builds the wheel of the checkout, byte for byte, as often as one likes.

``python tools/try_package.py FOLDER`` with the folder that holds the wheel.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _built(source: Path, target: str, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(folder)]
    subprocess.run(command, cwd=source, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    [found] = folder.glob("*.tar.gz" if target == "sdist" else "*.whl")
    return found


def _sum(path: Path) -> str:
    with path.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()


def main() -> int:
    """Two wheels of two unpackings of the source package, and the checkout's."""
    [wheel] = Path(sys.argv[1]).glob("mppcqa-*.whl")
    with tempfile.TemporaryDirectory(prefix="mppcqa-package-") as name:
        folder = Path(name)
        package = _built(ROOT, "sdist", folder / "sdist")
        checked = [sys.executable, "-m", "twine", "check", "--strict", str(package)]
        subprocess.run(checked, check=True)  # noqa: S603
        sums = {"checkout": _sum(wheel)}
        for time in ("once", "twice"):
            with tarfile.open(package) as archive:
                archive.extractall(folder / time, filter="data")
            [source] = (folder / time).iterdir()
            sums[time] = _sum(_built(source, "wheel", folder / f"wheel-{time}"))
        size = package.stat().st_size
    for when, found in sums.items():
        print(f"{found}  wheel, {when}")
    print(f"{package.name}: {size / 1e6:.1f} MB")
    return int(len(set(sums.values())) > 1)


if __name__ == "__main__":
    raise SystemExit(main())
