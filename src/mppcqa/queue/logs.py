"""One append-only file an attempt; the live view, the download and the record are these bytes."""

from __future__ import annotations

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from mppcqa.queue.untrusted import redact

A_FOLDER = 1000
"""So many tasks share a folder."""


def logs_folder() -> Path:
    """Where the logs of all tasks lie."""
    return Path(settings.MPPCQA_HOME) / "logs" / "tasks"


def log_path(task_id: int, attempt: int) -> Path:
    """Where an attempt's log lies on the computer that runs it."""
    return logs_folder() / f"{task_id // A_FOLDER:06d}" / f"{task_id}-{attempt}.log"


class LogWriter:
    """Appends whole lines, each with its time (UTC). A full disk never stops the task."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lost_lines = 0
        self._file: BinaryIO | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("ab", buffering=0)
        except OSError:
            self.lost_lines = 1

    def line(self, text: str) -> None:
        now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        data = "".join(f"{now} {part}\n" for part in redact(text).splitlines() or [""])
        if self._file is None:
            self.lost_lines += 1
            return
        try:
            self._file.write(data.encode("utf-8", "replace"))
        except OSError:
            self.lost_lines += 1

    def close(self) -> None:
        if self._file is not None:
            self._file.close()


def note(task_id: int, attempt: int, text: str) -> None:
    """Add a line to the log of an attempt that is over, such as why it ended."""
    writer = LogWriter(log_path(task_id, attempt))
    writer.line(text)
    writer.close()


@dataclass(frozen=True)
class Piece:
    """A part of a log: its text, and where the next part begins."""

    text: str
    offset: int
    size: int


def read_from(path: Path, offset: int, limit: int = 64 * 1024) -> Piece:
    """Whole lines from a byte offset; a last line without its end is left for the next time."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            file.seek(min(max(offset, 0), size))
            data = file.read(limit)
    except FileNotFoundError:
        return Piece("", 0, 0)
    cut = data.rfind(b"\n") + 1
    if cut == 0 and len(data) == limit:
        cut = len(data)  # a line longer than the limit is shown in parts
    return Piece(data[:cut].decode("utf-8", "replace"), min(offset, size) + cut, size)


def read_tail(path: Path, limit: int = 64 * 1024) -> Piece:
    """The last lines, at most `limit` bytes, however long the log is."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - limit)
            file.seek(start)
            data = file.read(limit)
    except FileNotFoundError:
        return Piece("", 0, 0)
    if start:
        data = data[data.find(b"\n") + 1 :]
    cut = data.rfind(b"\n") + 1
    return Piece(data[:cut].decode("utf-8", "replace"), size - (len(data) - cut), size)


def search(path: Path, text: str, limit: int = 200) -> list[tuple[int, str]]:
    """Lines that contain `text` (case does not matter): (line number from 1, line) each."""
    wanted = text.lower().encode()
    found: list[tuple[int, str]] = []
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if wanted in line.lower():
                    found.append((number, line.decode("utf-8", "replace").rstrip("\n")))
                    if len(found) == limit:
                        break
    except FileNotFoundError:
        return []
    return found
