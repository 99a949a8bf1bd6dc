"""Texts to translate: gathered from code, templates and stages; compiled without gettext's tools.

``mppcqa messages`` brings the catalogues up to date, ``mppcqa assets`` compiles them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

LOCALE = Path(__file__).resolve().parent / "locale"
PACKAGE = LOCALE.parents[1]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "say": None,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
}


def catalogues() -> list[Path]:
    """The catalogue of each language but English."""
    return sorted(LOCALE.glob("*/LC_MESSAGES/django.po"))


def compile_all() -> list[Path]:
    """Write the ``.mo`` file beside each catalogue; returns what was written."""
    written = []
    for path in catalogues():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        target = path.with_suffix(".mo")
        # Whole or not at all: a server that starts meanwhile may read it.
        fresh = target.with_suffix(".mo-new")
        with fresh.open("wb") as file:
            write_mo(file, catalogue)
        fresh.replace(target)
        written.append(target)
    return written


def gather() -> Catalog:
    """All texts of the package that people see."""
    found = Catalog(project="mppcqa", charset="utf-8")
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            _add(found, path, path.read_text(encoding="utf-8"))
    for path in sorted(PACKAGE.rglob("*.html")):
        _add_template(found, path)
    for text in _stage_texts():
        flags = ("python-format",) if "%(" in text else ()
        found.add(text, locations=[("src/mppcqa/stages", 0)], flags=flags)
    return found


def _add(catalogue: Catalog, path: Path, code: str) -> None:
    name = str(path.relative_to(PACKAGE.parent))
    for first, piece in [(0, code), *_within_texts(code)]:
        for line, message, _comments, context in extract(
            "python", BytesIO(piece.encode()), keywords=KEYWORDS
        ):
            if message and (not isinstance(message, tuple) or message[0]):
                catalogue.add(message, locations=[(name, first or line)], context=context)


def _within_texts(code: str) -> Iterator[tuple[int, str]]:
    """What f-strings calculate, which Babel takes for text; the line of each."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.FormattedValue) and "(" in (piece := ast.unparse(node.value)):
            yield node.lineno, piece


def _add_template(catalogue: Catalog, path: Path) -> None:
    """A template's texts, found by Jinja2's own extractor as its ``trans`` and ``_`` mean them."""
    name = str(path.relative_to(PACKAGE.parent))
    options: Any = {"trimmed": "true", "silent": "false", "newstyle_gettext": "true"}
    with path.open("rb") as file:
        for line, function, found, _comments in babel_extract(file, list(KEYWORDS), (), options):
            texts = found if isinstance(found, tuple) else (found,)
            message: Any = texts[:2] if function == "ngettext" else texts[0]
            catalogue.add(message, locations=[(name, line)])


def _stage_texts() -> set[str]:
    """English texts that stages declare; they know no Django, pages translate them."""
    from mppcqa.physics.spectra import MESSAGES
    from mppcqa.stages.fits import DRAWN_TITLES, FREE_TITLES, LIGHT_BY_ZERO
    from mppcqa.stages.fitting import FIT_TITLES
    from mppcqa.stages.photons import PARTS
    from mppcqa.stages.records import OWN_KINDS
    from mppcqa.stages.registry import own_stages
    from mppcqa.stages.words import TOLD
    from mppcqa.web.runs.form import in_words

    texts = {title for title, _unit in FIT_TITLES.values()} | {*FREE_TITLES.values(), LIGHT_BY_ZERO}
    texts |= {*filter(None, MESSAGES.values()), *DRAWN_TITLES.values(), *PARTS, *TOLD}
    for stage in own_stages():
        texts |= {stage.title, stage.description}
        for parameter in (*stage.parameters, *stage.settings):
            texts |= {parameter.title, parameter.help, *map(in_words, parameter.choices)}
        texts |= {quantity.title for quantity in stage.quantities}
        texts |= {chart.title for chart in stage.charts}
        texts |= {limit.reason for limit in stage.limits}
        for step in stage.checklist:
            texts |= {step.title, step.instruction, *step.choices}
        for axis in stage.axes:
            texts |= {axis.title, axis.words, axis.off_words, axis.on_words}
    for kind in OWN_KINDS:
        texts |= {kind.title, *(one.title for one in kind.fields)}
    return texts - {""}


def update() -> dict[str, int]:
    """Merge what was gathered into each catalogue; language -> texts without a translation."""
    found = gather()
    missing = {}
    for path in catalogues():
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.parts[-3])
        made = catalogue.creation_date
        catalogue.update(found, no_fuzzy_matching=True)
        # The file changes with its texts only, so that nobody merges dates.
        catalogue.creation_date = made
        with path.open("wb") as file:
            write_po(
                file, catalogue, width=100, sort_output=True, ignore_obsolete=True, no_location=True
            )
        missing[path.parts[-3]] = len(untranslated(catalogue))
    return missing


def untranslated(catalogue: Catalog) -> list[str]:
    """Texts of a catalogue that have no translation, or lack a plural form."""
    empty = []
    for message in catalogue:
        if not message.id:
            continue
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if not all(strings):
            empty.append(str(message.id))
    return empty
