"""What the build of the documentation adds: pages made from the code, and links out of the site."""

from __future__ import annotations

import json
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).resolve().parent))

import reference

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:|/)([^)#\s]+)(#[^)]*)?\)")
OUT = re.compile(r"(^|/)decisions/|(^|/)examples/|\.(sh|patch|C|ipynb)$")
NOTEBOOK_HERE = "--8<-- notebook"
NOTEBOOK = Path(__file__).parents[1] / "docs" / "examples" / "breakdown_by_lot.ipynb"
INLINE = re.compile(r"<style|<[a-z][^<>]*\s(?:style|on[a-z]+)\s*=", re.I)
"""What the policy under which the pages are served refuses; scripts it knows by their sums."""
GIVEN: dict[str, Path] = {}
"""What pages give to be fetched: its name below ``files`` of the site, and where it lies."""
WRITTEN_AT = (2026, 1, 1, 0, 0, 0)
"""Time of all in an archive, so that the same sources make the same one."""
LANGUAGES = ("es",)
"""Of which the search needs the words of."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Pages of the reference."""
    if Path(config.docs_dir).name == "docs":
        reference.set_up()
        for place, written in reference.PAGES.items():
            files.append(File.generated(config, place, content=written()))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: MkDocsConfig, files: Files) -> str:
    """What lies in the repository and not in the site: examples are given, all else is named."""
    here = Path(page.file.src_path).parent
    markdown = markdown.replace(NOTEBOOK_HERE, _notebook())

    def kept(found: re.Match[str]) -> str:
        text, target = found[1], found[2]
        place = (Path(config.docs_dir) / here / target).resolve()
        inside = place.is_relative_to(Path(config.docs_dir).resolve())
        if inside and not OUT.search(target):
            return found[0]
        if target.startswith("../") and Path(config.docs_dir).name != "docs":
            return found[0]  # the English pages, from the Spanish ones
        root = Path(config.docs_dir).resolve().parent
        name = place.relative_to(root) if place.is_relative_to(root) else target
        if given := _given(place, root):
            return f"[{text}](/docs/files/{given})"
        return text if text.strip("`") == str(name) else f"{text} (`{name}`)"

    return LINK.sub(kept, markdown)


def _given(place: Path, root: Path) -> str:
    """What a file of the repository, or a folder of an example, is called in the site."""
    if not place.is_relative_to(root) or "decisions" in place.parts:
        return ""
    if place.is_dir() and place.parent == root / "examples":
        name = f"{place.name}.zip"
    elif place.is_file() and place.suffix != ".md":
        name = place.name
    else:
        return ""
    if GIVEN.setdefault(name, place) != place:
        raise PluginError(f"two files are given as {name}")
    return name


def _give(folder: Path) -> None:
    """The files that pages give, beside them."""
    folder.mkdir(exist_ok=True)
    for name, place in GIVEN.items():
        if place.is_file():
            shutil.copyfile(place, folder / name)
            continue
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(place.rglob("*")):
                if path.is_file() and not {"__pycache__", "build"} & {*path.parts}:
                    where = str(path.relative_to(place.parent))
                    archive.writestr(zipfile.ZipInfo(where, WRITTEN_AT), path.read_bytes())


def _notebook() -> str:
    """The cells of the notebook, as they are."""
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    parts = []
    for one in cells[1:]:  # the first is what the page around it says
        text = "".join(one["source"])
        parts.append(text if one["cell_type"] == "markdown" else f"```python\n{text}\n```")
    return "\n\n".join(parts)


def on_post_page(output: str, *, page: Any, config: MkDocsConfig) -> None:
    """No style and no handler stands within a page."""
    if found := INLINE.search(output):
        line = output.count("\n", 0, found.start()) + 1
        raise PluginError(f"{page.file.src_path}: {found[0]} in line {line} of the page")


def on_post_build(config: MkDocsConfig) -> None:
    """Leave out what no browser of ours asks for: maps of sources, words of other languages."""
    site = Path(config.site_dir)
    if Path(config.docs_dir).name == "docs":
        _give(site / "files")
    for path in site.rglob("*.map"):
        path.unlink()
    for path in site.glob("assets/javascripts/lunr/min/lunr.*.min.js"):
        if path.name.split(".")[1] not in (*LANGUAGES, "stemmer"):
            path.unlink()
    # The switch of languages asks for the list of pages: it names none, and so no address of ours.
    (site / "sitemap.xml.gz").unlink(missing_ok=True)
    for name in ("tinyseg.js", "wordcut.js"):
        (site / "assets/javascripts/lunr" / name).unlink(missing_ok=True)
