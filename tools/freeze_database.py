"""Writes ``tests/frozen/VERSION``: the database that this version makes, for those that follow.

``make freeze-database``, before a release; a server of MariaDB is started for it alone. From then
on a test takes it forward to the newest tables, and `benchmarks/migrations.py` says for how long
each step would hold the tables of values.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.mariadb import OwnMariaDB

ROOT = Path(__file__).resolve().parents[1]
MOST_BYTES = 400_000


def main() -> int:
    """Freeze both; what is too large for the repository is refused."""
    import mppcqa

    target = ROOT / "tests" / "frozen" / mppcqa.__version__
    target.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mppcqa-freeze-") as name:
        folder = Path(name)
        with OwnMariaDB(folder / "mariadb") as server:
            for kind, url in (
                ("sqlite", f"sqlite:///{folder / 'frozen.sqlite3'}"),
                ("mariadb", server.url),
            ):
                home = folder / f"home-{kind}"
                home.mkdir()
                where = [target / f"{kind}.json.xz", target / f"{kind}-files.tar.xz"]
                subprocess.run(  # noqa: S603 - this Python
                    [sys.executable, "-m", "tests.frozen.filling", *map(str, where)],
                    env={
                        **os.environ,
                        "DJANGO_SETTINGS_MODULE": "mppcqa.project.settings",
                        "MPPCQA_HOME": str(home),
                        "MPPCQA_DATABASE": url,
                        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
                    },
                    check=True,
                )
    for file in sorted(target.iterdir()):
        print(f"{file.relative_to(ROOT)}: {file.stat().st_size} bytes")
        if file.stat().st_size > MOST_BYTES:
            print(f"that is more than {MOST_BYTES}: freeze less", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
