"""Logs that outlive the computer they were written on.

With a database server there may be many computers, so a worker puts what its logs gained into the
database: with every renewed lease, and at the end. A reader without the file makes it from there.
An SQLite database means one computer; nothing is shipped then.
"""

from __future__ import annotations

import logging
import os
import zlib
from pathlib import Path

from django.db import IntegrityError, connection
from django.db.models import F, Max

from mppcqa.queue.logs import log_path
from mppcqa.queue.models import LogPart

logger = logging.getLogger(__name__)
PART = 512 * 1024


def wanted() -> bool:
    """Whether logs are shipped: with a database server, or as ``MPPCQA_SHIP_LOGS`` says (0, 1)."""
    named = os.environ.get("MPPCQA_SHIP_LOGS", "")
    return named == "1" if named else connection.vendor != "sqlite"


def _shipped(task_id: int, attempt: int) -> int:
    parts = LogPart.objects.filter(task_id=task_id, attempt=attempt).order_by()
    return parts.aggregate(end=Max(F("offset") + F("size")))["end"] or 0


def ship(task_id: int, attempt: int) -> int:
    """Store what the log gained since the last time; returns the number of bytes."""
    if not wanted():
        return 0
    start = begin = _shipped(task_id, attempt)
    try:
        with log_path(task_id, attempt).open("rb") as file:
            # Up to the size it has now: a log may grow as fast as it is read.
            size = os.fstat(file.fileno()).st_size
            file.seek(start)
            while start < size and (data := file.read(min(PART, size - start))):
                LogPart.objects.create(
                    task_id=task_id,
                    attempt=attempt,
                    offset=start,
                    size=len(data),
                    data=zlib.compress(data, 1),
                )
                start += len(data)
    except FileNotFoundError:
        return 0
    except (OSError, IntegrityError) as error:
        logger.warning("the log of task %s was not shipped: %s", task_id, error)
    return start - begin


def fetch(task_id: int, attempt: int) -> Path:
    """The log as a file of this computer, made or lengthened from shipped parts if need be."""
    path = log_path(task_id, attempt)
    if not wanted():
        return path
    size = path.stat().st_size if path.exists() else 0
    parts = LogPart.objects.filter(task_id=task_id, attempt=attempt)
    for part in parts.filter(offset__gte=size - PART).order_by("offset"):
        if part.offset + part.size <= size or part.offset > size:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(zlib.decompress(bytes(part.data))[size - part.offset :])
        size = part.offset + part.size
    return path
