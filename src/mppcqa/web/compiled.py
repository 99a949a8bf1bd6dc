"""How templates become Python here: once a language, with their texts in them.

What took most of a page's time is known when a template is compiled. Its texts: each was looked up
for each page; here they are constants, one piece with the markup around them. That no function of
ours asks for Jinja2's context, which would be made anew for each call within a loop. And that all
is escaped: one function puts a value into the page, and most values have nothing to be escaped.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import jinja2
from django.http import HttpRequest
from django.middleware.csrf import get_token
from django.template.backends.jinja2 import Jinja2
from django.template.backends.utils import csrf_input
from django.utils import translation
from django.utils.functional import SimpleLazyObject
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from markupsafe import Markup, escape

TEXTS = ("_", "gettext")
HARMFUL = re.compile("[&<>'\"]")


class Compiler(CodeGenerator):
    """Writes the Python of a template."""

    environment: Environment

    def visit_Call(self, node: nodes.Call, frame: Frame, forward_caller: bool = False) -> None:
        """A text, or a call without the way over `Context.call`."""
        text = self._text(node)
        if text is not None:
            self.write(repr(text))
            return
        self.visit(node.node, frame)
        self.write("(")
        for given in (*node.args, *node.kwargs):
            self.visit(given, frame)
            self.write(", ")
        for stars, more in (("*", node.dyn_args), ("**", node.dyn_kwargs)):
            if more is not None:
                self.write(stars)
                self.visit(more, frame)
                self.write(", ")
        self.write("caller=caller)" if forward_caller else ")")

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> str:
        text = self._text(node)
        return super()._output_child_to_const(node, frame, finalize) if text is None else text

    def _text(self, node: nodes.Expr) -> Markup | None:
        """What a call that translates a text gives; None where it is something else."""
        match node:
            case nodes.Call(
                node=nodes.Name(name=name),
                args=[nodes.Const(value=str(text))],
                kwargs=[],
                dyn_args=None,
                dyn_kwargs=None,
            ) if name in TEXTS:
                return self.environment.text(text)
        return None

    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_pre(node, frame, finalize)
        else:
            self.write("environment.put(")

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: Any) -> None:
        if frame.eval_ctx.volatile or not frame.eval_ctx.autoescape:
            super()._output_child_post(node, frame, finalize)
        else:
            self.write(")")


class Environment(jinja2.Environment):
    """Templates of one language. None of what they call may ask for Jinja2's context."""

    code_generator_class = Compiler
    text: Callable[[str], Markup]
    """A text of a template in this language."""

    def put(self, value: Any) -> str:
        """A value as it stands in a page."""
        if isinstance(value, Markup):
            return value
        kind = type(value)
        if kind is int:
            return str(value)
        if kind is not str:
            return escape(self.finalize(value) if self.finalize else value)
        return escape(value) if HARMFUL.search(value) else value


class Pages(Jinja2):
    """Django's engine for Jinja2, with an environment for each language."""

    def __init__(self, params: dict[str, Any]) -> None:
        self._params = params
        self._made: dict[str | None, jinja2.Environment] = {}
        super().__init__(params)

    @property
    def env(self) -> jinja2.Environment:
        """That of the reader's language."""
        language = translation.get_language()
        if language not in self._made:
            super().__init__(self._params)  # which makes one
        return self._made[language]

    @env.setter
    def env(self, made: jinja2.Environment) -> None:
        self._made[translation.get_language()] = made


def one_token(request: HttpRequest) -> dict[str, Any]:
    """What Django makes anew for each form of a page, made once: a page has some ten."""
    return {
        "csrf_token": SimpleLazyObject(lambda: get_token(request)),
        "csrf_input": SimpleLazyObject(lambda: csrf_input(request)),
    }
