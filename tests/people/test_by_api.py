"""What pages change, programs change too, or `by_api.toml` says why not."""

from __future__ import annotations

import tomllib
from pathlib import Path

from mppcqa.people.roles import ROLES
from tests.people.test_matrix import CLASSES, MATRIX

BY_API = Path(__file__).with_name("by_api.toml")


def test_every_change_of_a_page_has_its_operation_or_a_reason() -> None:
    pages = tomllib.loads(MATRIX.read_text())
    operations = pages.pop("api")
    told = tomllib.loads(BY_API.read_text())
    changing = {name for name, (_look, send) in pages.items() if send != "nobody"}
    assert set(told) == changing
    wrong = []
    for page, same in told.items():
        if same.startswith("- "):
            continue
        if same not in operations:
            wrong.append(f"{page}: there is no {same}")
        elif not CLASSES[operations[same]] & CLASSES[pages[page][1]] & set(ROLES):
            wrong.append(f"{page} and {same}: nobody may do both")
    assert not wrong, "\n".join(wrong)
    assert sum(not one.startswith("- ") for one in told.values()) > 50
