"""The documentation says all that there is, in words that the pages have."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.test import Client

from mppcqa.web.documentation import views

ROOT = Path(__file__).resolve().parents[2]
CATALOGUE = ROOT / "src" / "mppcqa" / "web" / "locale" / "es" / "LC_MESSAGES" / "django.po"
BOLD = re.compile(r"\*\*([^*\n]+)\*\*(?=[ ,:;.)\n]|$)")
HOW_TOS = [
    ("en", ROOT / "docs" / "how-to" / "technician.md"),
    ("en", ROOT / "docs" / "how-to" / "manager.md"),
    ("es", ROOT / "docs" / "es" / "how-to" / "technician.md"),
    ("es", ROOT / "docs" / "es" / "how-to" / "manager.md"),
]


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that makes the reference."""
    spec = importlib.util.spec_from_file_location("reference", ROOT / "tools" / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_nothing_is_undocumented(reference: ModuleType) -> None:
    assert list(reference.undocumented()) == []


def test_what_has_no_words_is_found(reference: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = reference.settings_in_code()
    monkeypatch.setattr(reference, "settings_in_code", lambda: settings | {"MPPCQA_NEW"})
    monkeypatch.setattr(reference, "metrics", lambda: {"mppcqa_new": ""})
    found = list(reference.undocumented())
    assert found == [
        "setting MPPCQA_NEW: add it to the text of project/settings.py",
        "gauge mppcqa_new has no words",
    ]


def test_each_page_of_the_reference_names_what_there_is(reference: ModuleType) -> None:
    from mppcqa.plugins import HOOKS
    from mppcqa.stages.registry import own_stages

    pages = {place: written() for place, written in reference.PAGES.items()}
    assert "`MPPCQA_HOME`" in pages["reference/settings.md"]
    assert "## mppcqa token make" in pages["reference/commands.md"]
    for stage in own_stages():
        for one in (*stage.quantities, *stage.parameters, *stage.settings):
            assert f"`{one.key}`" in pages["reference/stages.md"]
    assert all(group in pages["reference/plugins.md"] for group in HOOKS)
    assert "`limits.add_signoff`" in pages["reference/permissions.md"]
    assert "`mppcqa_tasks_open`" in pages["reference/metrics.md"]
    assert "`POST /api/v1/devices`" in pages["reference/api.md"]
    assert "`parquet`" in pages["reference/formats.md"]


@pytest.mark.parametrize(("language", "path"), HOW_TOS)
def test_words_in_bold_are_words_of_the_pages(language: str, path: Path) -> None:
    """A menu entry that is renamed leaves no how-to behind."""
    with CATALOGUE.open("rb") as file:
        catalogue: Any = read_po(file)
    there = {
        str(one.id if language == "en" else one.string).casefold()
        for one in catalogue
        if isinstance(one.id, str) and one.id
    }
    told = {words.casefold() for words in BOLD.findall(path.read_text(encoding="utf-8"))}
    told -= {"certificate", "certificado", "shipments to partners"}
    assert told
    assert told - there == set()


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small site in place of the built one."""
    (tmp_path / "es").mkdir()
    (tmp_path / "guide").mkdir()
    (tmp_path / "index.html").write_text("<p>English</p>")
    (tmp_path / "guide" / "index.html").write_text("<p>Guide</p>")
    (tmp_path / "es" / "index.html").write_text("<p>Castellano</p>")
    monkeypatch.setattr(views, "INSTALLED", tmp_path)
    return tmp_path


def read(client: Client, address: str, **more: Any) -> str:
    answer = client.get(address, follow=True, **more)
    assert answer.status_code == 200, address
    return b"".join(answer.streaming_content).decode()


@pytest.mark.django_db
def test_anybody_reads_it_in_their_language(client: Client, built: Path) -> None:
    assert "English" in read(client, "/docs/")
    assert "Guide" in read(client, "/docs/guide")
    assert "Castellano" in read(client, "/docs/", HTTP_ACCEPT_LANGUAGE="es")
    assert "English" in read(client, "/docs/?en", HTTP_ACCEPT_LANGUAGE="es")
    answer = client.get("/docs/guide/")
    answer.close()
    assert "'unsafe-inline'" in answer["Content-Security-Policy"]
    later = client.get("/docs/guide/", HTTP_IF_MODIFIED_SINCE=answer["Last-Modified"])
    assert later.status_code == 304


@pytest.mark.django_db
def test_nothing_beside_it_is_served(
    client: Client, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (built.parent / "secret.txt").write_text("secret")
    for place in (
        "../secret.txt",
        "%2e%2e/secret.txt",
        "no-such-page/",
        "guide/../../secret.txt",
        "x" * 4000,
    ):
        assert client.get(f"/docs/{place}").status_code == 404
    monkeypatch.setattr(views, "INSTALLED", built / "nowhere")
    monkeypatch.setattr(views, "BUILT", built / "nowhere")
    answer = client.get("/docs/")
    assert answer.status_code == 404
