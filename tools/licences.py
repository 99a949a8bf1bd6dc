"""Which licences the installed packages name, by pip-licenses: ``make licences``.

The rule is that of the tests (`tests/project/test_licences.py`); pip-licenses finds a licence also
where a package names it in its files alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.project.test_licences import LOOKED_AT, _free

NAMELESS = "UNKNOWN"


def main() -> int:
    """Names those that bind who uses mppcqa, or name none."""
    command = [sys.executable, "-m", "piplicenses", "--from=mixed", "--format=json"]
    told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    rows = json.loads(told.stdout)
    strange = [
        f"{one['Name']} {one['Version']}: {one['License'][:80]}"
        for one in rows
        if one["Name"].lower() not in LOOKED_AT and not _free(one["License"])
    ]
    for line in strange:
        print(line, file=sys.stderr)
    words = Counter(one["License"].splitlines()[0][:40] for one in rows)
    print(f"{len(rows)} packages: {', '.join(f'{name} {n}' for name, n in words.most_common(6))} …")
    return int(bool(strange))


if __name__ == "__main__":
    raise SystemExit(main())
