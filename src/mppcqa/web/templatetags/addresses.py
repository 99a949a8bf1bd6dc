"""The tag ``url``: as Django's, but each address is made once; a page has dozens."""

from __future__ import annotations

from typing import Any

from django import template
from django.template.base import FilterExpression, Node, Parser, Token
from django.template.defaulttags import url as djangos_url
from django.utils.safestring import SafeString

from mppcqa.web.rows import address, escaped

register = template.Library()


class AddressNode(Node):
    """Where a page is that is named with at most a few values."""

    def __init__(self, name: FilterExpression, values: list[FilterExpression]) -> None:
        self.name = name
        self.values = values

    def render(self, context: Any) -> SafeString:
        values = [value.resolve(context) for value in self.values]
        return escaped(address(self.name.resolve(context), *values))


@register.tag
def url(parser: Parser, token: Token) -> Node:
    """``{% url 'device' serial %}``; with names of arguments, or ``as``, it is Django's own."""
    node = djangos_url(parser, token)
    if node.kwargs or node.asvar:
        return node
    return AddressNode(node.view_name, node.args)
