"""Rows of a list as one template: its columns' cells stand where a call of each would be.

A list's template of cells has a macro for a column. Called once a cell, a thousand times a page,
they took half of its time; here their bodies are put into the loop over the rows, and that is kept
for as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

import jinja2
from django.template import engines
from django.utils.formats import localize
from jinja2 import nodes
from markupsafe import Markup, escape

from mppcqa.web.listing.declare import Column

NONE = "—"
ROWS = "web/listing/rows.html"
PARTS = "web/listing/parts.html"


class Look(NamedTuple):
    """What tells a column's cells from others."""

    key: str
    cell: str
    css: str
    label: str
    """Its title in the reader's language, empty where it is only read out."""


def drawn_rows(columns: Iterable[Column], cells: str) -> jinja2.Template:
    """The template that draws `rows`: of these columns, with the macros of a template."""
    jinja: Any = engines["jinja2"]
    looks = tuple(
        Look(one.key, one.cell, one.css, "" if one.quiet else str(one.title)) for one in columns
    )
    # Templates are part of what is remembered: one that was edited is another.
    templates = (jinja.env.get_template(name) for name in (cells, ROWS, PARTS))
    return _made(jinja.env, looks, *templates)


def plain_cell(row: Any, key: str) -> Markup:
    """A cell without a macro: the row's value of that name."""
    value = getattr(row, key)
    return escape(NONE if value is None or value == "" else localize(value))


@lru_cache(1000)
def _made(
    env: jinja2.Environment,
    looks: tuple[Look, ...],
    cells: jinja2.Template,
    rows: jinja2.Template,
    parts: jinja2.Template,
) -> jinja2.Template:
    said, whole = (_parsed(env, one) for one in (cells, rows))
    macros = {one.name: one for one in said.body if isinstance(one, nodes.Macro)}
    pieces: Any = parts.module
    drawn = [_cell(number, look, macros) for number, look in enumerate(looks)]
    others: list[nodes.Node] = []
    for look, body in zip(looks[1:], drawn[1:], strict=True):
        others += [_text(pieces.begin(look.css, look.label)), *body, _text(pieces.end())]
    first = looks[0]
    places: dict[str, list[nodes.Node]] = {
        "first_attributes": [_text(pieces.attributes(first.css, first.label))],
        "first_cell": drawn[0],
        "other_cells": others,
    }
    # What the macros use beside their row: imports, and each other.
    whole.body = [*said.body, *_filled(whole.body, places)]
    whole.set_environment(env)
    for node in whole.find_all(nodes.Node):
        node.lineno = node.lineno or 1
    return env.from_string(whole)


def _parsed(env: jinja2.Environment, template: jinja2.Template) -> nodes.Template:
    assert env.loader is not None  # noqa: S101
    assert template.name is not None  # noqa: S101
    source, _path, _fresh = env.loader.get_source(env, template.name)
    return env.parse(source, template.name)


def _cell(number: int, look: Look, macros: dict[str, nodes.Macro]) -> list[nodes.Node]:
    """What stands in a cell: its macro's body, with the row, and the column, by its names."""
    row, column = nodes.Name("row", "load"), nodes.Const(look.key)
    macro = macros.get(look.cell or look.key)
    if macro is None:
        plain = nodes.Call(nodes.Name("plain_cell", "load"), [row, column], [], None, None)
        return [nodes.Output([plain])]
    given: list[nodes.Expr] = [row]
    if look.cell:
        given.append(nodes.Getitem(nodes.Name("columns", "load"), nodes.Const(number), "load"))
    names: list[nodes.Expr] = [nodes.Name(one.name, "param") for one in macro.args[: len(given)]]
    return [nodes.With(names, given[: len(names)], macro.body)]


def _text(text: str) -> nodes.Node:
    return nodes.Output([nodes.TemplateData(str(text))])


def _joined(body: list[nodes.Node]) -> list[nodes.Node]:
    """The same with what is put out one after the other as one."""
    found: list[nodes.Node] = []
    for node in body:
        last = found[-1] if found else None
        if isinstance(node, nodes.Output) and isinstance(last, nodes.Output):
            found[-1] = nodes.Output([*last.nodes, *node.nodes])
        else:
            found.append(node)
    return found


def _filled(body: list[nodes.Node], places: dict[str, list[nodes.Node]]) -> list[nodes.Node]:
    """Statements with others in the places of some names that are put out."""
    found: list[nodes.Node] = []
    for node in body:
        if isinstance(node, (nodes.For, nodes.If, nodes.Macro)):
            node.body = _joined(_filled(node.body, places))
            found.append(node)
        elif isinstance(node, nodes.Output):
            for piece in node.nodes:
                if isinstance(piece, nodes.Name) and piece.name in places:
                    found += places[piece.name]
                else:
                    found.append(nodes.Output([piece]))
        else:
            found.append(node)
    return found
