"""Small faults that could be in the package: each place where something can be turned."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COUNTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd,
    ast.BitAnd: ast.BitOr,
}


@dataclass
class Mutant:
    """One place of a file, and what stands there instead."""

    path: str
    line: int
    start: int
    """Bytes from the file's beginning to the place, and to its end."""
    end: int
    was: str
    now: str
    fate: str = ""

    @property
    def room(self) -> str:
        return self.path.split("/")[2].removesuffix(".py")

    def applied(self, text: bytes) -> bytes:
        return text[: self.start] + self.now.encode() + text[self.end :]

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.was[:60]} -> {self.now[:60]}"


def all_mutants(root: Path) -> list[Mutant]:
    """Every fault that can be made outside migrations, in the order of the files."""
    found: list[Mutant] = []
    for path in sorted((root / "src" / "mppcqa").rglob("*.py")):
        if "migrations" not in path.parts:
            found += mutants_of(path.relative_to(root).as_posix(), path.read_bytes())
    return found


def mutants_of(path: str, text: bytes) -> Iterator[Mutant]:
    """The faults of one file."""
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    for node in _code(ast.parse(text)):
        for other in _turned(node):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[(node.end_lineno or node.lineno) - 1] + (node.end_col_offset or 0)
            now = ast.unparse(other)
            if isinstance(other, ast.expr):
                now = f"({now})"
            yield Mutant(path, node.lineno, start, end, text[start:end].decode(), now)


def _code(tree: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Expressions and statements that run: no annotations, no texts in f-strings."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "type_params", "decorator_list", "format_spec"):
            continue
        for node in value if isinstance(value, list) else [value]:
            if not isinstance(node, ast.AST) or _is_for_types(node):
                continue
            if isinstance(node, ast.expr | ast.stmt):
                yield node
            if not isinstance(node, ast.JoinedStr):
                yield from _code(node)


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def _turned(node: ast.expr | ast.stmt) -> Iterator[ast.expr | ast.stmt]:
    """What could stand there by mistake."""
    other = copy(node)
    if isinstance(other, ast.Compare) and type(other.ops[0]) in COMPARED:
        other.ops = [COMPARED[type(other.ops[0])](), *other.ops[1:]]
        yield other
    elif isinstance(other, ast.BoolOp):
        other.op = ast.Or() if isinstance(other.op, ast.And) else ast.And()
        yield other
    elif isinstance(other, ast.BinOp) and type(other.op) in COUNTED and not _has_text(other):
        other.op = COUNTED[type(other.op)]()
        yield other
    elif isinstance(other, ast.UnaryOp) and isinstance(other.op, ast.Not):
        yield other.operand
    elif isinstance(other, ast.Constant):
        if isinstance(other.value, bool):
            yield ast.Constant(not other.value)
        elif isinstance(other.value, int | float) and other.value + 1 != other.value:
            yield ast.Constant(other.value + 1)
    elif isinstance(other, ast.Expr) and isinstance(other.value, ast.Call):
        yield ast.Pass()
    elif isinstance(other, ast.Return) and ast.unparse(other.value or ast.Constant(None)) != "None":
        yield ast.Return(ast.Constant(None))


def _has_text(node: ast.BinOp) -> bool:
    """Texts that are put together: another operator would be no program."""
    sides = (node.left, node.right)
    return any(
        isinstance(one, ast.JoinedStr)
        or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in sides
    )
