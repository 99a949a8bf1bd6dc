"""Whatever `bandit` finds stands on a line that says why it is meant.

Ruff has bandit's rules too (its ``S``), and a line that is meant carries ``noqa: S…`` there. What
bandit alone finds, or finds at a line without one, is a fault.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRIED = ("src", "tools", "examples", "hatch_build.py")
NEVER = {
    "B404": "subprocess is imported; how it is called is looked at",
    "B101": "ruff looks at it, where asserts are not tests",
    "B603": "ruff looks at it, and leaves out commands of fixed words",
}
MEANT = {
    ("src/mppcqa/client/_client.py", "S107"): "no token is no token",
    ("src/mppcqa/database/number_rows.py", "S608"): "names of columns alone, of the program's own",
    ("src/mppcqa/reports/archival.py", "S406"): "writes XML, and reads none",
    ("src/mppcqa/tables/formats/drs4_xml.py", "S405"): "expat bounds what entities grow to",
    ("tools/try_api.py", "S310"): "asks the server that it has started",
    ("src/mppcqa/stages/simulated.py", "S610"): "a function called extra, not Django's",
}
"""What ruff sees to be harmless, or has no rule for."""


def main() -> int:
    run = [sys.executable, "-m", "bandit", "-q", "-r", "-f", "json", *TRIED]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    found = json.loads(done.stdout)
    meant = _files_that_are_meant()
    left = []
    for one in found["results"]:
        rule = f"S{one['test_id'][1:]}"
        lines = (ROOT / one["filename"]).read_text().splitlines()
        # A call may be long: its mark stands on one of its lines.
        text = "\n".join(lines[line - 1] for line in one["line_range"])
        marked = re.search(rf"noqa: [^\n]*\b{rule}\b", text)
        named = any(fnmatch(one["filename"], file) for file in meant.get(rule, ()))
        named = named or (one["filename"], rule) in MEANT
        if one["test_id"] not in NEVER and not marked and not named:
            left.append(f"{one['filename']}:{one['line_number']}: {rule} {one['issue_text']}")
    for one in left:
        print(one)
    print(f"{len(found['results'])} findings of bandit, {len(left)} that nobody looked at")
    return int(bool(left or found["errors"]))


def _files_that_are_meant() -> dict[str, list[str]]:
    """Rule -> files in which ruff is told not to look for it."""
    ruff = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    found: dict[str, list[str]] = {}
    for file, rules in ruff["per-file-ignores"].items():
        for rule in rules:
            found.setdefault(rule, []).append(file)
    return found


if __name__ == "__main__":
    raise SystemExit(main())
