"""Text and values from outside (programs, plug-ins, errors): bounded, storable, without secrets.

The supervisor uses `redact` too, as a script that sees no package: the standard library alone.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

HIDDEN = "***"
MAX_JSON_BYTES = 1 << 20
MAX_DEPTH = 20
"""MariaDB takes no JSON that is nested more than 32 deep."""

_WORDS = (
    r"(?:pass(?:word|wd|phrase)|pwd|secret|token|credential|api[_-]?key|access[_-]?key"
    r"|private[_-]?key)"
)
# Each pattern stays within a line and looks only so far ahead: a program can't make it slow.
_IS = r"[\"']?[ \t]{0,3}[=:][ \t]{0,3}"
_VALUE = r"(?:\"[^\"\n]*\"|'[^'\n]*'|[^\s,;&\"']+)"
_NAMED = re.compile(rf"({_WORDS}[\w-]{{0,20}}{_IS}){_VALUE}", re.I)
_OPTION = re.compile(
    rf"((?<!\S)--?[\w-]{{0,40}}?{_WORDS}[\w-]{{0,20}}[ \t]{{1,9}})(?!-){_VALUE}", re.I
)
_AUTHORIZATION = re.compile(
    rf"(authorization{_IS}[\"']?)(?:(?:basic|bearer|digest|token)[ \t]{{1,3}})?[^\s\"']+", re.I
)
_BEARER = re.compile(r"(\bbearer[ \t]{1,3})[\w.~+/=-]{8,}", re.I)
_ADDRESS = re.compile(
    r"(\b[a-z][a-z0-9+.-]{0,30}://)"
    r"(?:[^\s/?#\"'@]{0,200}:[^\s\"']{0,400}|[^\s/?#\"'@]{1,400})@",
    re.I,
)
_KNOWN = re.compile(
    r"\b(?:eyJ[\w-]{8,999}\.[\w-]{8,9999}\.[\w-]{0,999}|gh[pousr]_\w{20,}|glpat-[\w-]{16,}|AKIA[0-9A-Z]{16}\b)"
)
_MARKS = (
    *("pass", "pwd", "secret", "token", "credential", "key", "authorization", "bearer"),
    *("://", "eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "akia"),
)
_SECRET_NAME = re.compile(rf"{_WORDS}|authorization", re.I)
_SECRET_OPTION = re.compile(rf"--?[\w-]*{_WORDS}[\w-]*", re.I)
# What no page, e-mail or terminal should get: control characters but the tab and the line's end.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def redact(text: str) -> str:
    """The text with what looks like a secret hidden: passwords, tokens, users in addresses."""
    low = text.lower()
    if not any(mark in low for mark in _MARKS):
        return text
    text = _ADDRESS.sub(rf"\1{HIDDEN}@", text)
    for pattern in (_AUTHORIZATION, _BEARER, _OPTION, _NAMED):
        text = pattern.sub(rf"\1{HIDDEN}", text)
    return _KNOWN.sub(HIDDEN, text)


def redact_bytes(data: bytes) -> bytes:
    """The same for bytes in any encoding that has ASCII in it."""
    text = data.decode("utf-8", "surrogateescape")
    hidden = redact(text)
    return data if hidden is text else hidden.encode("utf-8", "surrogateescape")


def redact_command(argv: Sequence[str]) -> str:
    """A program with its arguments for logs and pages; the value after ``--password`` is hidden."""
    return " ".join(map(str, _redact_list(argv)))


def _redact_list(values: Sequence[Any]) -> list[Any]:
    shown = []
    after_secret = False
    for one in values:
        shown.append(HIDDEN if after_secret else redact_json(one))
        after_secret = isinstance(one, str) and bool(_SECRET_OPTION.fullmatch(one))
    return shown


def redact_json(value: Any) -> Any:
    """Arguments as pages show them: what stands under a name such as ``token`` is hidden."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if _SECRET_NAME.search(str(key)) and one else redact_json(one)
            for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return _redact_list(value)
    return redact(value) if isinstance(value, str) else value


def told(text: str, limit: int) -> str:
    """Text that any database, page and e-mail takes: at most `limit` characters, no secrets.

    Of a longer one the beginning and the end stay: programs end with their reason.
    """
    if len(text) > 4 * limit:
        text = f"{text[: 2 * limit]} … {text[-2 * limit :]}"
    text = _COLOUR.sub("", text.replace("\r\n", "\n")).encode("utf-8", "replace").decode()
    text = redact(_CONTROL.sub("\ufffd", text))
    if len(text) <= limit:
        return text
    head = 2 * limit // 3
    return f"{text[:head]} … {text[len(text) - (limit - head - 3) :]}"


def one_line(text: str, limit: int) -> str:
    """The same on one line."""
    return told(" ".join(text[: 4 * limit].split()), limit)


def plain_json(value: Any, limit: int = MAX_JSON_BYTES) -> int:
    """Bytes that a value takes as JSON; `ValueError` or `TypeError` says why it can't be kept."""
    _check_depth(value)
    # Lone surrogates, as in the names of some files, are no text for a database.
    size = len(json.dumps(value, allow_nan=False, ensure_ascii=False).encode())
    if size > limit:
        raise ValueError(
            f"it takes {size} bytes, at most {limit} are taken; store large data and pass its "
            "number instead"
        )
    return size


def _check_depth(value: Any) -> None:
    layer, depth = [value], 0
    while layer:
        if depth > MAX_DEPTH:
            raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list | tuple)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        depth += 1


class RedactingFormatter(logging.Formatter):
    """Lines of the program's own log, tracebacks included, without secrets."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))
