"""Addresses as logs have them; loaded with the logging itself, before any app is."""

from __future__ import annotations

import logging
from contextlib import suppress

from django.http import HttpRequest
from django.urls import Resolver404, ResolverMatch, resolve

from mppcqa.queue.untrusted import HIDDEN

SECRET_PARTS = {"token"}
"""Parts of addresses, by their names there, with which whoever knows them may do something."""


class WithoutTokens(logging.Filter):
    """Lines of Django name the address of a request: no link that opens something stands there."""

    def filter(self, record: logging.LogRecord) -> bool:
        request = getattr(record, "request", None)
        if isinstance(request, HttpRequest) and isinstance(record.args, tuple):
            told = untold(request.path, request)
            record.args = tuple(told if one == request.path else one for one in record.args)
        return True


def untold(path: str, request: HttpRequest | None = None) -> str:
    """An address as logs have it, with `HIDDEN` where a part of it is a secret."""
    match = getattr(request, "resolver_match", None) or _match(path)
    parts = {} if match is None else match.kwargs
    for name in SECRET_PARTS & parts.keys():
        path = path.replace(str(parts[name]), HIDDEN)
    return path


def _match(path: str) -> ResolverMatch | None:
    """Of a request that was answered before it got to a page, or lacks its last stroke."""
    for one in (path, f"{path}/"):
        with suppress(Resolver404):
            return resolve(one)
    return None
