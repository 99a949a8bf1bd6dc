"""Builds the documentation, English then Spanish, warnings as errors: ``make docs``."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "build" / "docs"


def build(site: Path = SITE) -> int:
    """Build into a folder; returns its size [bytes]."""
    shutil.rmtree(site, ignore_errors=True)
    for config, target in (("mkdocs.yml", site), ("mkdocs.es.yml", site / "es")):
        command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
        command += ["--config-file", str(ROOT / config), "--site-dir", str(target)]
        environment = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"}
        done = subprocess.run(command, cwd=ROOT, env=environment, check=False)  # noqa: S603
        if done.returncode:
            raise SystemExit(done.returncode)
    return sum(path.stat().st_size for path in site.rglob("*") if path.is_file())


if __name__ == "__main__":
    print(f"{SITE.relative_to(ROOT)}: {build() / 1e6:.1f} MB")
