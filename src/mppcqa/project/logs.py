"""What the program's own log says."""

from __future__ import annotations

import logging


class RefusalsInOneLine(logging.Filter):
    """A page that said no is a line; a traceback is for what went wrong on our side."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", 500) < 500:
            record.exc_info = record.exc_text = None
        return True
