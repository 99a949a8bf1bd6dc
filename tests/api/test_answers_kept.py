"""Programs and tables get what they got: who changes it says so, by recording it.

Every list of the API, one of each kind, and all lists as CSV. Moments and numbers of rows are left
out. ``MPPCQA_RECORD=1 pytest tests/api/test_answers_kept.py`` writes `answers.json` anew;
what changed in it is read before it is committed.
"""

from __future__ import annotations

import csv
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mppcqa.exchange.exports import write_list
from mppcqa.exchange.lists import LISTS
from tests.api.conftest import Program
from tests.kept import Kept
from tests.web.test_pages_kept import plain

KEPT = Kept(Path(__file__).with_name("answers.json"))
OF_ROWS = (
    "id",
    "pk",
    "uid",
    "etag",
    "sha256",
    "run",
    "analysis",
    "file",
    "token",
    "next",
    "version",
)
PATHS = (
    *("analyses", "catalogue", "devices", "exports", "labels", "limits", "me", "measurements"),
    *("reports", "routines", "runs", "schedules", "shipments", "stages", "stations", "tasks"),
    *("trays", "webhooks", "devices/GX-000", "trays/T-1"),
    *("devices?q=GX-001", "stations/darkbox-1"),
)
FIRST_ROW = 1000
"""Numbers of rows of tests begin beyond it."""
MOST = 12
"""Rows of a list: the others are like them."""


def shown(value: Any, name: str = "") -> Any:
    """Without what differs from one day or one database to the other."""
    if isinstance(value, dict):
        return {key: shown(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [shown(one, name) for one in value[:MOST]]
    if name in OF_ROWS and value:
        return "ROW"
    if isinstance(value, int) and value >= FIRST_ROW:
        return "ROW"
    if isinstance(value, float):
        return float(f"{value:.9g}")
    return plain(value) if isinstance(value, str) else value


def test_the_api_answers_as_it_did(program: Program) -> None:
    found: dict[str, Any] = {}
    for path in PATHS:
        answer = program.get(path)
        assert answer.status_code == 200, path
        kind = answer.headers["Content-Type"].partition(";")[0]
        whole = b"".join(answer.streaming_content) if answer.streaming else answer.content
        lines: list[Any] = [whole[:4].decode("latin-1")]
        if kind == "application/json":
            lines = [json.loads(whole)]
        elif kind.startswith("text/"):
            lines = whole.decode().splitlines()[:MOST]
        found[path] = [kind, *(shown(one) for one in lines)]
    KEPT.hold_all("api", found)


@pytest.mark.parametrize("which", ["", "every"])
def test_lists_go_out_as_they_did(campaign: SimpleNamespace, tmp_path: Path, which: str) -> None:
    found: dict[str, Any] = {}
    for what in LISTS:
        path = tmp_path / f"{what}.csv"
        n = write_list(what, "csv", path, {which: "1"} if which else {})
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        found[what] = [n, path.read_text().partition("\n")[0], *map(shown, rows[:: n // MOST or 1])]
    KEPT.hold_all(f"lists {which}".strip(), found)
