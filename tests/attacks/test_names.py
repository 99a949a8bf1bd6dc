"""Scripts in what things are called: devices, stations, trays, lanes, workers, files, plug-ins.

`test_stored` writes into every text but these, for they stand in addresses too. Here each thing
that has a name is called a script, and its pages are asked for under that name.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import models
from django.test import Client

from mppcqa import plugins
from mppcqa.audit.triggers import drop_triggers
from mppcqa.inventory.models import Device
from mppcqa.runs.models import Station
from tests.attacks.test_reflected import LEADS, RUNS, WORD
from tests.attacks.test_stored import MORE, OURS, SCRIPTS

NAMES = {"name", "serial", "original_name", "filename", "title", "host", "maker_serial", "lane"}
NAMELESS = {
    "limits.limitset", "queue.task", "queue.message", "results.quantityrow", "people.role",
    "store.storedfault",
}  # fmt: skip
"""Of these a name is the program's own word, and written by nothing else."""


def call_everything(script: str) -> tuple[dict[str, str], list[str]]:
    """What stood in addresses, with what stands there now; and the columns that hold a script."""
    moved, columns = {}, []
    for label in (*OURS, *MORE):
        for model in apps.get_app_config(label).get_models():
            if model._meta.label_lower in NAMELESS:
                continue
            for field in model._meta.concrete_fields:
                if field.name in NAMES and isinstance(field, models.CharField):
                    columns.append(f"{model._meta.label}.{field.name}")
                    for row in model._default_manager.order_by("pk")[:10]:
                        old, new = getattr(row, field.name), f"{script}{row.pk}"[: field.max_length]
                        model._default_manager.filter(pk=row.pk).update(**{field.name: new})
                        if model in (Device, Station):
                            moved[str(old)] = new
    return moved, columns


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_name_becomes_a_script_on_any_page(
    browser_client: Client, world: dict[str, Any], tried: list[int], script: str
) -> None:
    drop_triggers()
    moved, columns = call_everything(script)
    for column in ("inventory.Device.serial", "inventory.Tray.name", "runs.Station.name"):
        assert column in columns
    wrong, shown, found_there = [], 0, 0
    for page in world["pages"]:
        address = page
        for old, new in moved.items():
            address = address.replace(f"/{old}/", f"/{quote(new, safe='')}/")
        answer = browser_client.get(address)
        body = b"".join(answer) if answer.streaming else answer.content
        text = body.decode(errors="replace")
        found_there += answer.status_code == 200
        shown += WORD in text
        if "html" not in answer.headers["Content-Type"]:
            continue
        wrong += [
            f"{address}: {text[max(0, found.start() - 80) : found.end()]!r}"
            for found in (RUNS.search(text), LEADS.search(text))
            if found
        ]
    tried.append(len(columns) * len(world["pages"]))
    assert not wrong, "\n".join(wrong)
    assert found_there > len(world["pages"]) * 0.8, "the pages are found under the new names"
    assert shown > len(world["pages"]) // 3, "and show them"


@pytest.mark.parametrize("script", SCRIPTS)
def test_no_word_of_a_plug_in_becomes_a_script(
    browser_client: Client,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tried: list[int],
    script: str,
) -> None:
    """A package that can't be loaded says what it likes."""
    group = "mppcqa.labels"
    info = tmp_path / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {script}\nVersion: {script}\n")
    name = script.replace("=", "")
    (info / "entry_points.txt").write_text(f"[{group}]\n{name} = evil_labels:Thing\n")
    (tmp_path / "evil_labels.py").write_text(f"raise RuntimeError({script!r})\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for kept in (plugins._used, plugins._broken):
        monkeypatch.setitem(kept, group, [])
    browser_client.get("/about/")  # all groups have been asked from now on
    plugins.gather(group, plugins.instance_of(object))
    assert any(script in one.faults[0] for one in plugins.broken())
    text = browser_client.get("/about/").content.decode()
    assert text.count(WORD) >= 2
    assert not RUNS.search(text)
    assert not LEADS.search(text)
    tried.append(4)
