"""What is written to be found again goes through `mppcqa.disk`: no other code writes to a name."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import mppcqa

SOURCE = Path(mppcqa.__file__).parent
WHOLE = {"whole_file", "whole_folder", "scratch_file", "TemporaryDirectory"}
WRITES = {"write_text", "write_bytes", "copyfile", "copy2"}
ALLOWED = {
    "queue/leases.py": "files that are locked, and hold nothing",
    "cli/run.py": "a file that is locked, and holds nothing",
    "exchange/imports.py": "a file that is locked, and holds nothing",
    "queue/logs.py": "logs grow line by line",
    "queue/shipping.py": "logs grow line by line",
    "queue/remote.py": "what a station's computer sends grows piece by piece, each by its place",
    "station/runner.py": "logs grow line by line; marks and locks hold nothing; a bar may be lost",
    "station/spool.py": "what the order makes anew, which comes last and by `whole_file`; locks",
    "queue/other_user.py": "what a program reads at once, as its user",
    "queue/program_user.py": "into the file that `whole_file` gives whoever brings one",
    "queue/folder.py": "a message only wakes: a lost one is sent again",
    "queue/boxes.py": "the kernel's own files of a control group",
    "queue/ends.py": "an end is locked while it is delivered; it takes its name by `settle`",
    "cli/processes.py": "logs grow line by line",
    "cli/assets.py": "made anew by make env",
    "web/messages.py": "made anew by mppcqa messages",
    "testing/_properties.py": "into the folder of a test",
    "testing/_station.py": "into the folder of a test",
    "stages/simulated.py": "a test program, whose files are checked",
    "exchange/backup_files.py": "into the folder that `whole_folder` makes",
    "exchange/backup_trust.py": "into the folder that `whole_folder` makes",
    "exchange/second_place.py": "into the folder that `whole_folder` makes",
    "exchange/writers/documents.py": "to the path that `write_file` gives each writer",
    "physics/_kept.py": "a lock, without content",
    "exchange/faults.py": "by `whole_file`, which the book opens and closes",
    "exchange/run_selection.py": "into a folder that is removed once it was sent",
    "bundles/envelope.py": "into the entries of an archive whose file `making` gives",
    "bundles/taking.py": "into scratch files, which the store takes from there",
}


def writes(tree: ast.AST, inside: bool = False) -> Iterator[tuple[int, str]]:
    """Lines that write to a path outside of a block that gives one to write to."""
    for node in ast.iter_child_nodes(tree):
        within = inside or (
            isinstance(node, ast.With)
            and any(name_of(item.context_expr) in WHOLE for item in node.items)
        )
        if isinstance(node, ast.Call) and not inside:
            name = name_of(node)
            modes = [*node.args, *(word.value for word in node.keywords if word.arg == "mode")]
            opened = any(
                isinstance(one, ast.Constant)
                and one.value in ("w", "wb", "a", "ab", "x", "xb", "w+")
                for one in modes
            )
            if (name == "open" and opened) or (
                name in WRITES and isinstance(node.func, ast.Attribute)
            ):
                yield node.lineno, name
        yield from writes(node, within)


def name_of(node: ast.AST) -> str:
    if not isinstance(node, ast.Call):
        return ""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def test_nothing_else_writes() -> None:
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = path.relative_to(SOURCE).as_posix()
        lines = list(writes(ast.parse(path.read_text())))
        if lines:
            found[name] = lines
    new = {name: lines for name, lines in found.items() if name not in ALLOWED}
    assert new == {}, "write it by mppcqa.disk.whole_file, or say here why not"
    assert sorted(ALLOWED.keys() - found.keys()) == []


def test_the_check_sees_what_it_should() -> None:
    assert list(writes(ast.parse("path.open('wb')")))
    assert list(writes(ast.parse("shutil.copyfile(a, b)")))
    assert not list(writes(ast.parse("with whole_file(p) as part:\n    part.write_text('')")))
    assert not list(writes(ast.parse("path.open('rb')")))
