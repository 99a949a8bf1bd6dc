"""The documentation says all that there is, in words that the pages have."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import re
import zipfile
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from babel.messages.pofile import read_po
from django.test import Client
from mkdocs.exceptions import PluginError

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


def of_tools(name: str) -> ModuleType:
    """A script of the folder `tools`, as the build has it."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT / "tools"))
        spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def reference() -> ModuleType:
    """The script that makes the reference."""
    return of_tools("reference")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("<p>style=1 and on-call = x</p>", None),
        ("<p>\n<td class=a style='x'>", "line 2"),
        ("<style>a {}</style>", "line 1"),
        ("<a onclick=go()>", "line 1"),
    ],
)
def test_a_page_with_a_style_or_a_handler_in_it_is_not_built(
    written: str, told: str | None
) -> None:
    here = SimpleNamespace(file=SimpleNamespace(src_path="here.md"))
    with pytest.raises(PluginError, match=told) if told else nullcontext():
        of_tools("docs_hooks").on_post_page(written, page=here, config=None)


def test_files_that_pages_name_are_given_with_them(tmp_path: Path) -> None:
    hooks = of_tools("docs_hooks")
    page = SimpleNamespace(file=SimpleNamespace(src_path="how-to/here.md"))
    config = SimpleNamespace(docs_dir=str(ROOT / "docs"))

    def shown(text: str) -> str:
        return str(hooks.on_page_markdown(text, page=page, config=config, files=None))

    link = shown("[a program](../../examples/write_run.C)")
    assert link == "[a program](/docs/files/write_run.C)"
    folder = shown("[a bench](../../examples/mppcqa-iv-visa)")
    assert folder == "[a bench](/docs/files/mppcqa-iv-visa.zip)"
    assert "](" not in shown("[why](../decisions/0005-a-backup-is-parquet-and-files.md)")
    hooks._give(tmp_path / "files")
    same = (ROOT / "examples" / "write_run.C").read_bytes()
    assert (tmp_path / "files" / "write_run.C").read_bytes() == same
    with zipfile.ZipFile(tmp_path / "files" / "mppcqa-iv-visa.zip") as archive:
        assert "mppcqa-iv-visa/iv_visa.py" in archive.namelist()


def test_how_tos_of_technicians_and_managers_are_there_in_spanish() -> None:
    """All pages below their headings, and in the menu of the Spanish ones."""
    wanted = set(re.findall(
        r"^          - (\S+\.md)$",
        "".join(re.findall(r"- For a (?:technician|manager):\n((?: {10}.*\n)+)",
                           (ROOT / "mkdocs.yml").read_text())),
        re.MULTILINE,
    ))  # fmt: skip
    assert {"how-to/technician.md", "scanning.md", "how-to/manager.md", "bundles.md"} <= wanted
    listed = set(re.findall(r"(\S+\.md)$", (ROOT / "mkdocs.es.yml").read_text(), re.MULTILINE))
    there = {
        str(one.relative_to(ROOT / "docs" / "es")) for one in (ROOT / "docs" / "es").rglob("*.md")
    }
    assert wanted <= listed == there


def test_a_stage_is_told_whole(reference: ModuleType) -> None:
    """Classes with their fields, what run files are read and written by, what tests it."""
    page = reference.PAGES["reference/stage-parts.md"]()
    for word in (
        "least_channels: int",
        "`numbers`",
        "charges(point: int",
        "measure(devices",
        "BIAS_AXIS",
        "rate_uncertainty_hz: NDArray",  # of RateScan
        "current_uncertainty_a: NDArray",  # of IVCurve
        "first_sample_s: float",  # of Waveforms
        "``52 52.5 53``",
        "display_scale=0.001",
        "tolerance: float",
    ):
        assert word in page
    assert "-> '" not in page


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
    assert "measurements(serials: Iterable[str] = ()" in pages["reference/client.md"]
    assert "less what their own uncertainties add" in pages["reference/stages.md"]


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
    (tmp_path / "guide" / "index.html").write_text("<p>Guide</p><script>go()</script>")
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
    # Its own script, known by its sum, and no other.
    scripts = answer["Content-Security-Policy"].partition("script-src ")[2].partition(";")[0]
    known = base64.b64encode(hashlib.sha256(b"go()").digest()).decode()
    assert scripts == f"'self' 'sha256-{known}'"
    later = client.get("/docs/guide/", HTTP_IF_MODIFIED_SINCE=answer["Last-Modified"])
    assert later.status_code == 304
    # The browser gives the page that it has kept these headers: its scripts still run.
    assert later["Content-Security-Policy"] == answer["Content-Security-Policy"]


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
