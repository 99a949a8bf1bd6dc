"""Scripts in every text that the database keeps, whoever wrote it there, on every page and in PDFs.

Not by the forms: program output, headings of foreign files, names of files and devices, what
stations and partners sent, all end in columns. So every column of text of every table gets one.
"""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, models, transaction
from django.test import Client

from mppcqa.audit.triggers import drop_triggers
from mppcqa.public_address import public_address
from mppcqa.reports.kinds import report_kinds
from tests.attacks.test_reflected import LEADS, RUNS, WORD
from tests.reports.reading import read
from tests.thoroughness import tries

SCRIPTS = (f"<svg onload={WORD}>", f'"><img src=x onerror={WORD}>', f"javascript:{WORD}")
OURS = ("exchange", "inventory", "limits", "people", "queue", "results", "runs", "signing", "store")
MORE = ("bundles", "reports", "web")
KEYS = {
    *("stage", "kind", "key", "name", "serial", "uuid", "state", "lane", "file", "act", "what"),
    *("sha256", "digest", "hash", "begins", "secret", "public", "routine", "model", "about_model"),
    *("queue", "form", "fault", "event", "outcome", "source", "subject", "about_id", "axis"),
}
"""What names things to the program: no person, file or program writes it, or it is an address."""
NAMED = {"inventory.tray", "inventory.lot", "inventory.tag", "inventory.institute"}
"""Of these a name is what somebody typed, and no part of an address."""


def texts_of(model: type[models.Model]) -> list[Any]:
    """Columns of a table that hold what somebody or something wrote."""
    named = model._meta.label_lower in NAMED - {"inventory.tray"}
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField | models.JSONField)
        and not isinstance(field, models.FileField)
        and not field.choices
        and not field.remote_field
        and (field.name not in KEYS or (named and field.name == "name"))
    ]


def poisoned(value: Any, script: str, number: int) -> Any:
    """The value with the script in each of its texts; the names in JSON stay, they are ours."""
    if isinstance(value, str):
        return f"{script}{number}"
    if isinstance(value, dict):
        # Moments are held to their form where they come in, from a bundle too.
        return {
            name: one if name in ("at", "when") else poisoned(one, script, number)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [poisoned(one, script, number) for one in value]
    return value


def write_everywhere(script: str) -> tuple[int, list[str]]:
    """In how many columns of which rows it stands now."""
    done, columns = 0, []
    for label in (*OURS, *MORE):
        for model in apps.get_app_config(label).get_models():
            for field in texts_of(model):
                for row in model._default_manager.order_by("pk")[:5]:
                    made = poisoned(getattr(row, field.name), script, row.pk)
                    if isinstance(made, str) and field.max_length:
                        made = made[: field.max_length]
                    try:
                        with transaction.atomic():
                            rows = model._default_manager.filter(pk=row.pk)
                            rows.update(**{field.name: made})
                    except DatabaseError:
                        continue  # of a shape that the database holds to
                    done += 1
                    if script in json.dumps(made, default=str).replace('\\"', '"'):
                        columns.append(f"{model._meta.label}.{field.name}")
    return done, sorted(set(columns))


@pytest.mark.parametrize("script", SCRIPTS[: tries(1, 3)])
def test_no_text_of_any_table_becomes_a_script_on_any_page(
    browser_client: Client, world: dict[str, Any], tried: list[int], script: str
) -> None:
    drop_triggers()
    done, columns = write_everywhere(script)
    assert len(columns) > 40, columns
    wrong, shown, broken = [], 0, []
    for page in world["pages"]:
        try:
            answer = browser_client.get(page)
            body = b"".join(answer) if answer.streaming else answer.content
        except Exception as error:  # of a JSON whose shape is ours alone: told below
            broken.append(f"{page}: {error!r}")
            continue
        text = body.decode(errors="replace")
        shown += WORD in text
        if "html" not in answer.headers["Content-Type"]:
            continue
        wrong += [
            f"{page}: {text[max(0, found.start() - 80) : found.end()]!r}"
            for found in (RUNS.search(text), LEADS.search(text))
            if found
        ]
    tried.append(done * len(world["pages"]))
    assert not wrong, "\n".join(wrong)
    assert shown > len(world["pages"]) // 3, "most pages show some of it"
    assert not broken, "\n".join(broken)


MARKUP = f'<a href="javascript:{WORD}">x</a><img src="/etc/passwd"/><b>'
"""As ReportLab's paragraphs would read it, were it not escaped."""


def test_no_text_becomes_a_link_a_picture_or_a_fault_of_a_pdf(
    campaign: SimpleNamespace, tried: list[int]
) -> None:
    drop_triggers()
    done, _columns = write_everywhere(MARKUP)
    wrong, written, shown = [], 0, 0
    for kind in report_kinds().values():
        row = apps.get_model(kind.model)._default_manager.order_by("pk").first()
        if row is None:
            continue
        with kind.write(row, public_address(), "A4").opened() as file:
            data = file.read()
        written += 1
        if re.search(rb"/URI\s*\(\s*javascript:|/S\s*/JavaScript|/S\s*/Launch", data):
            wrong.append(kind.key)
        texts, _codes = read(data)
        assert "root:x:" not in "".join(texts)
        shown += any(WORD in text.replace("\n", "") for text in texts)
    tried.append(done * written)
    assert (written > 5, shown > 3) == (True, True), (written, shown)
    assert not wrong, wrong
