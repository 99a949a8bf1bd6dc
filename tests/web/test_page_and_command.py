"""The page and the command that import measured files say and store the same of every file."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from click.testing import CliRunner
from django.test import Client

from mppcqa.cli import main
from mppcqa.inventory.actions import register_devices
from mppcqa.inventory.models import DeviceType
from mppcqa.runs.models import Run
from tests.tables.families import FAMILIES
from tests.web.test_foreign_page import PAGE, upload

SAID = {"sample_s": "2ns", "light": "0"}
PART = re.compile(r": \d+ (?:iv|charge|spectrum|waveform|staircase), channel")


def _files(folder: Path, shared: Path) -> list[Path]:
    """A good file of each family, and what the cases are about."""
    found = []
    for family in FAMILIES:
        path = folder / family.name
        family.make(path)
        found.append(path)
    cases = shared.parent / "cases" / "formats"
    others = ("map.json", "expected.txt")
    return found + [one for one in sorted(cases.glob("*/*")) if one.name not in others]


def _lines(said: str, name: str) -> list[str]:
    """Reasons, notes, questions and faults of the command, without its drawings and hints."""
    lines = [line.removeprefix("Error: ").partition("; if so: --unit")[0].strip()
             .removesuffix("; name one with --mapping (see --list)")
             for line in said.splitlines()
             if line.startswith(("  “", "  the file", "  names of", "  the channels",
                                 f"{name}: ", f"Error: {name}: "))]  # fmt: skip
    return [one for line in lines if not PART.search(line) for one in line.split("; ") if one]


def _import_of(run: Run) -> dict[str, Any]:
    asked = dict(run.parameters["import"])
    asked.pop("files")
    return {"stage": run.stage, **asked}


def test_page_and_command_say_and_store_the_same(
    browser_client: Client, tmp_path: Path, shared_data: Path
) -> None:
    DeviceType.objects.create(name="S1", rows=4, columns=4)
    register_devices([{"serial": "P-1", "device_type": "S1"}])
    runner, given = CliRunner(), [f"{key}={text}" for key, text in SAID.items()]
    words = ["import", "foreign", "--device", "P-1", "--no-wait", "--allow", "device"]
    words += [
        "--allow",
        "conditions",
        "--allow",
        "twice",
        *(w for g in given for w in ("--set", g)),
    ]
    form = {"device": "P-1", "action": "import", **SAID}
    form |= {f"allow-{what}": "on" for what in ("device", "conditions", "twice")}
    taken = refused = 0
    missing: list[tuple[str, str]] = []
    for path in _files(tmp_path, shared_data):
        said = runner.invoke(main, [*words, str(path)])
        answer = browser_client.post(PAGE, form | {"files": upload(path.name, path.read_bytes())})
        runs = list(Run.objects.order_by("pk"))
        if said.exit_code == 0:
            assert answer.status_code == 302, (path, said.output)
            mine, theirs = (_import_of(run) for run in runs[-2:])
            assert mine == theirs, path
            taken += 1
            continue
        assert len(runs) == 2 * taken, path
        refused += 1
        text = " ".join(html.unescape(answer.content.decode()).split())
        assert _lines(said.output, path.name), said.output
        missing += [
            (path.name, line)
            for line in _lines(said.output, path.name)
            if line.removeprefix(f"{path.name}: ") not in text
        ]
    assert not missing
    assert taken > 40
    assert refused > 5
