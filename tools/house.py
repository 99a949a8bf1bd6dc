"""Rules of the house that no linter has: ``make lint`` runs this.

``html``       No line of HTML in Python: markup is in templates. (The PDF has markup of its own.)
``template``   No line of a template over 120 characters.
``keys``       No key of a stage, a quantity or an axis above ``stages/``, in code or in a template:
               what is there goes over what is declared.
``seen``       Who reads devices, runs or what hangs on them for a reader begins with
               ``Thing.objects.visible_to(person)``, or is named in ``house.toml`` with the reason
               why that is not needed there.
``lines``      No file of Python over 450 lines.
``functions``  No function over 80 lines.
``size``       No file of ours over 400 kB: what somebody left in the folder is not committed.
``decisions``  Decisions are numbered without gaps, who names a page of ours names one that is
               there, and the menu of the documentation (``mkdocs.yml``) or the README leads to
               each page of ``docs/``.

What breaks another rule still is counted by file in ``house.toml``. A count may fall and never
rise; one that is higher than what is there must be lowered.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "src" / "mppcqa"
KNOWN = Path(__file__).with_name("house.toml")

TEMPLATE_LINE = 120
FILE_LINES = 450
FUNCTION_LINES = 80
FILE_BYTES = 400_000
TAGS = r"a|b|br|div|em|h\d|i|img|input|li|ol|p|span|svg|t[dhr]|table|ul"
MARKUP = re.compile(rf"(?<!\?P)</?({TAGS})[\s/>]")
BELOW = ("physics", "runfile", "tables", "charts", "stages")
"""Rooms that a stage stands on, and its own."""
ONLY_WRITE = ("create", "bulk_create", "bulk_update")
LEAST_REASON = 12
"""Characters of a reason."""
FOR_READERS = ("api", "web", "views", "exchange", "reports", "statistics")
"""Rooms that lay out for people what there is."""
SCOPED = re.compile(
    r"objects = (DeviceQuerySet|ScopedQuerySet|Of\w+|WithDevices|HoldingDevices)\.as_manager\(\)"
)
WORDS = {"channel", "light", "position", "iv"}
"""Keys that are words of every day as well."""

WORD = re.compile(r"\w+")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)")

PAGE = re.compile(r"- (?:[^:\n]+: )?([\w/-]+\.md)$", re.MULTILINE)
"""A page in the menu of the documentation."""
MADE = re.compile(
    r"reference/(settings|commands|stages|stage-parts|permissions|metrics|formats|plugins|api|client)\.md$"
)
"""Pages that `tools/reference.py` makes while the documentation is built."""

Place = tuple[int, str]
"""Line, and what is wrong there."""


def sources() -> Iterator[Path]:
    """Python files of the package that people write."""
    for path in sorted(PACKAGE.rglob("*.py")):
        if "migrations" not in path.parts:
            yield path


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


@cache
def nodes_of(path: Path) -> list[ast.AST]:
    """Everything of a file: going through its tree anew for each rule takes most of the time."""
    return list(ast.walk(tree_of(path)))


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0]


@cache
def strings(path: Path) -> list[tuple[int, str]]:
    """Line and text of each string that is no docstring."""
    said = {id(node.value) for node in nodes_of(path) if isinstance(node, ast.Expr)}
    return [
        (node.lineno, node.value)
        for node in nodes_of(path)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in said
    ]


def html() -> Iterator[tuple[Path, Place]]:
    for path in sources():
        if room_of(path) != "reports":
            for line, text in strings(path):
                if MARKUP.search(text):
                    yield path, (line, "HTML belongs into a template")


def template() -> Iterator[tuple[Path, Place]]:
    for path in sorted(PACKAGE.rglob("*.html")):
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if len(text) > TEMPLATE_LINE:
                yield path, (line, f"{len(text)} characters, more than {TEMPLATE_LINE}")


@cache
def declared() -> set[str]:
    """Keys of the built-in stages, their quantities and axes."""
    from mppcqa.stages.registry import own_stages

    keys: set[str] = set()
    for stage in own_stages():
        keys |= {stage.key, *(one.key for one in (*stage.quantities, *stage.axes))}
    return keys - WORDS


def keys() -> Iterator[tuple[Path, Place]]:
    for path in sources():
        if room_of(path) not in BELOW:
            for line, text in strings(path):
                if text in declared():
                    yield path, (line, f"names {text}, which a stage declares")
    for path in sorted(PACKAGE.rglob("*.html")):
        for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            for word in sorted(declared().intersection(WORD.findall(text))):
                yield path, (line, f"names {word}, which a stage declares")


@cache
def scoped() -> set[str]:
    """Names of the models of which a person may see some rows alone."""
    places = ("inventory", "runs", "results", "limits", "statistics", "reports")
    found = set()
    for place in places:
        for node in tree_of(PACKAGE / place / "models.py").body:
            if isinstance(node, ast.ClassDef) and any(_manages(one) for one in node.body):
                found.add(node.name)
    return found


def _manages(node: ast.stmt) -> bool:
    """Whether a line of a model gives it a manager of those in `inventory.scope`."""
    text = ast.unparse(node)
    return bool(SCOPED.fullmatch(text))


def seen() -> Iterator[tuple[Path, str, Place]]:
    """A model's rows for a reader that are not asked who the reader is, and in what of the file."""
    for path in sources():
        if room_of(path) not in FOR_READERS:
            continue
        asked = {
            id(node.value)
            for node in nodes_of(path)
            if isinstance(node, ast.Attribute) and node.attr in ("visible_to", *ONLY_WRITE)
        }
        for within, node in _named_places(tree_of(path)):
            name = _rows_of(node)
            if (name in scoped() or _is_any(name)) and id(node) not in asked:
                yield path, within, (node.lineno, f"reads {name} without visible_to in {within}")


def _named_places(node: ast.AST, within: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Each node below one, and the name of the function or class that it is in: Class.method."""
    for child in ast.iter_child_nodes(node):
        yield within, child
        here = within
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            here = f"{within}.{child.name}".lstrip(".")
        yield from _named_places(child, here)


def _is_any(name: str) -> bool:
    """Whether rows are those of any model: of ``model``, ``entry.model`` or a looked up one."""
    return name.rpartition(".")[2] == "model" or name.startswith("apps.get_model(")


def read_elsewhere() -> Iterator[str]:
    """Places that ``seen`` finds and nobody declared, and what is declared and is not there."""
    declared: dict[str, str] = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["seen"]
    there = set()
    for path, within, (line, what) in seen():
        name = path.relative_to(PACKAGE).as_posix()
        named = [one for one in (name, f"{name}:{within}") if one in declared]
        there.update(named)
        if not named:
            yield f"src/mppcqa/{name}:{line}: seen: {what}"
    yield from (
        f"tools/house.toml: seen: {one} does not" for one in sorted(declared.keys() - there)
    )
    for one, why in declared.items():
        if len(why) < LEAST_REASON:
            yield f"tools/house.toml: seen: {one} has no reason"


def _rows_of(node: ast.AST) -> str:
    """The model whose rows an expression begins with: ``Device.objects``, or a look-up in it."""
    if isinstance(node, ast.Attribute) and node.attr in ("objects", "_default_manager"):
        return ast.unparse(node.value)
    if isinstance(node, ast.Call) and node.args:
        called = ast.unparse(node.func).rpartition(".")[2]
        if called in ("get_object_or_404", "get_list_or_404", "locked"):
            return ast.unparse(node.args[0])
    return ""


def lines() -> Iterator[tuple[Path, Place]]:
    for path in sources():
        n = len(path.read_text(encoding="utf-8").splitlines())
        if n > FILE_LINES:
            yield path, (n, f"{n} lines, more than {FILE_LINES}")


def functions() -> Iterator[tuple[Path, Place]]:
    for path in sources():
        for node in nodes_of(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                n = (node.end_lineno or node.lineno) - node.lineno + 1
                if n > FUNCTION_LINES:
                    what = f"{node.name} has {n} lines, more than {FUNCTION_LINES}"
                    yield path, (node.lineno, what)


RULES = {
    "html": html,
    "template": template,
    "keys": keys,
    "lines": lines,
    "functions": functions,
}


def documents() -> Iterator[str]:
    """Gaps in the numbers of decisions, and links of our documents that lead nowhere."""
    decisions = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    for number, path in enumerate(decisions, 1):
        if not path.name.startswith(f"{number:04d}-"):
            yield f"docs/decisions/{path.name}: decisions: its number should be {number:04d}"
            break
    shown = set(LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    for path in sorted((ROOT / "docs").rglob("*.md")):
        menu, within = ("mkdocs.yml", path.relative_to(ROOT / "docs").as_posix())
        if within.startswith("decisions/"):
            continue
        if within.startswith("es/"):
            menu, within = "mkdocs.es.yml", within.removeprefix("es/")
        listed = set(PAGE.findall((ROOT / menu).read_text(encoding="utf-8")))
        if path.relative_to(ROOT).as_posix() not in shown and within not in listed:
            yield f"{menu}: decisions: nothing leads to docs/{within}"
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")):
        for link in LINK.findall(path.read_text(encoding="utf-8")):
            made = link.partition("reference/")[1] and MADE.search(link)
            if not made and not (path.parent / link).exists():
                yield f"{path.relative_to(ROOT)}: decisions: {link} is not there"


def size() -> Iterator[str]:
    """Files under version control that are larger than what people write or draw here."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if path.is_file() and path.stat().st_size > FILE_BYTES:
            yield f"{name}: size: {path.stat().st_size} bytes, more than {FILE_BYTES}"


def faults() -> Iterator[str]:
    """Each place beyond what is known, and each count that is too high."""
    known = tomllib.loads(KNOWN.read_text(encoding="utf-8"))
    for rule, search in RULES.items():
        found: dict[str, list[Place]] = {}
        for path, place in search():
            found.setdefault(path.relative_to(PACKAGE).as_posix(), []).append(place)
        allowed = known.get(rule, {})
        for name in sorted({*found, *allowed}):
            here = found.get(name, [])
            if len(here) > allowed.get(name, 0):
                yield from (f"src/mppcqa/{name}:{line}: {rule}: {what}" for line, what in here)
            elif len(here) < allowed.get(name, 0):
                yield f"tools/house.toml: {rule}: {name} has {len(here)} now; lower the count"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "src"))
    wrong = [*faults(), *read_elsewhere(), *documents(), *size()]
    print("\n".join(wrong) or "The house is in order.")
    sys.exit(1 if wrong else 0)
