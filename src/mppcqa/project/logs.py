"""What the program's own log says, in lines for people or as JSON for programs."""

from __future__ import annotations

import datetime as dt
import json
import logging
import time
from typing import Any

from mppcqa.audit.source import request_number
from mppcqa.queue.untrusted import RedactingFormatter, redact, redact_json

HOST_EVERY_S = 60.0
"""An unlisted host is told once in this time."""


class RefusalsInOneLine(logging.Filter):
    """A page that said no is a line; a traceback is for what went wrong on our side."""

    def __init__(self) -> None:
        super().__init__()
        self.host_told_at = -HOST_EVERY_S

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        if not record.name.endswith(".DisallowedHost"):
            return True
        if time.monotonic() - self.host_told_at < HOST_EVERY_S:
            return False  # a station asks every second
        self.host_told_at = time.monotonic()
        host = getattr(getattr(record, "request", None), "META", {}).get("HTTP_HOST", "")
        text = "asked as %r, which is no name of this server: MPPCQA_HOSTS names those that are"
        record.msg, record.args = text, (host[:100],)
        return True


class Numbered(logging.Filter):
    """Each record knows its request."""

    def filter(self, record: logging.LogRecord) -> bool:
        number = request_number.get()
        record.request_number = number
        record.of_request = f" [{number}]" if number else ""
        return True


class Lines(RedactingFormatter):
    """A line is a line: what somebody sent can't begin another one."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        if record.exc_info or record.stack_info:
            return text  # a traceback, which is ours
        return text.replace("\r", "\\r").replace("\n", "\\n")


class AsJson(logging.Formatter):
    """An object a line: ``at, level, logger, text``, ``request`` and what else is known of it."""

    def format(self, record: logging.LogRecord) -> str:
        at = dt.datetime.fromtimestamp(record.created, dt.UTC)
        said: dict[str, Any] = {
            "at": at.isoformat(timespec="milliseconds"), "level": record.levelname,
            "logger": record.name, "text": redact(record.getMessage()),
        }  # fmt: skip
        if number := getattr(record, "request_number", ""):
            said["request"] = number
        said |= redact_json(getattr(record, "told", {}))
        if record.exc_info:
            said["traceback"] = redact(self.formatException(record.exc_info))
        return json.dumps(said, ensure_ascii=False, default=str)
