"""What analyses say they could not measure is known again, so that pages can translate it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mppcqa
from mppcqa.physics.spectra import MESSAGES
from mppcqa.retold import template_of
from mppcqa.stages.words import TOLD

ROOMS = [Path(mppcqa.__file__).parent / name for name in ("physics", "stages")]
TOLD_ERRORS = {"IvError", "LineError", "StaircaseError", "WaveformError"}
CALLERS_FAULT = (
    *("bias ", "no method ", "the sampling interval must", "waveforms must be numbers"),
    *("foreign files", "quantity "),
)
"""Beginnings of what is told to who calls with wrong arguments, and not to who reads results."""


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts of an expression, with ``1`` for what is put in."""
    if isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        made = [""]
        for piece in node.values:
            if isinstance(piece, ast.Constant):
                said = [str(piece.value)]
            else:
                inner = piece.value if isinstance(piece, ast.FormattedValue) else piece
                said = [*_texts(inner)] if isinstance(inner, ast.IfExp) else ["1"]
            made = [begun + one for begun in made for one in said]
        yield from made


def _said(code: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
            if getattr(node.exc.func, "id", "") in TOLD_ERRORS:
                yield from _texts(node.exc.args[0])
        elif (isinstance(node, ast.keyword) and node.arg == "what") or (
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "what"
        ):
            yield from _texts(node.value)
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_problem":
            yield from _texts(node.args[1])


def test_all_that_analyses_say_has_a_template() -> None:
    known = (*TOLD, *MESSAGES.values())
    found = {
        text
        for room in ROOMS
        for path in room.rglob("*.py")
        for text in _said(path.read_text(encoding="utf-8"))
        if text and not text.startswith(CALLERS_FAULT)
    }
    assert len(found) > 50
    # Words of which only some go together: their templates say which.
    assert {text for text in found if template_of(text, known) is None} == {
        text for text in found if text.startswith(("the curve begins1", "the curve ends1"))
    }


@pytest.mark.parametrize("text", TOLD)
def test_a_template_says_more_than_what_is_put_in(text: str) -> None:
    assert len(text.replace("%(", "").split()) > 1
