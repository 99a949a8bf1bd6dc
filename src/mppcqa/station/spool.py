"""What a station has and has not brought yet: a folder an attempt, and what stands in it.

``order.json``   what the server asked for and how it is run; written before anything begins
``begun``        the test program was started: from now on it is never started again
``log``          what it said, as the server gets it
``said.jsonl``   messages that ask for attention, numbered by their line
``bar.json``     where its bar stands
``stop.json``    it shall end, as what and why
``end.json``     how it ended, with size and sum of the run file
``held``         locked while anything of it runs
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mppcqa.disk import flush, make_folder, whole_file

RUN_FILE = "run.root"
RESERVE = "reserve"
RESERVE_BYTES = 256 << 10
_NAME = re.compile(r"(\d+)-(\d+)")


class SpoolInUse(Exception):
    """Another process serves a station from this folder."""


def write_json(path: Path, document: Any) -> None:
    """A document that stands under its name only whole, and stays when the power fails."""
    with whole_file(path) as part:
        part.write_text(json.dumps(document))


def read_json(path: Path) -> Any:
    """A document, or None where there is none."""
    with suppress(FileNotFoundError, ValueError):
        return json.loads(path.read_text())
    return None


@dataclass(frozen=True)
class Kept:
    """One attempt in the spool."""

    folder: Path
    task: int
    attempt: int

    @property
    def order(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.folder / "order.json")
        return found

    @property
    def is_begun(self) -> bool:
        return (self.folder / "begun").exists()

    @property
    def end(self) -> dict[str, Any] | None:
        found: dict[str, Any] | None = read_json(self.folder / "end.json")
        return found

    @property
    def is_held(self) -> bool:
        """Whether its runner, or what that started, still runs."""
        with (self.folder / "held").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def ask_to_stop(self, state: str, reason: str) -> None:
        """Have its runner end it, the first to ask says why."""
        path = self.folder / "stop.json"
        if not path.exists():
            write_json(path, {"state": state, "reason": reason})

    def write_end(self, end: dict[str, Any]) -> None:
        """How it ended. What was kept free for this is given up, should the disk be full."""
        (self.folder / RESERVE).unlink(missing_ok=True)
        write_json(self.folder / "end.json", end)


def _reserve(path: Path) -> None:
    """Keep room on the disk free; nothing of it has to be written with the next flush."""
    with path.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, RESERVE_BYTES)


class Spool:
    """The folder of one station's program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.attempts = folder / "attempts"
        self.left = folder / "left"

    @contextmanager
    def only_here(self) -> Iterator[None]:
        """Hold the folder; `SpoolInUse` while another process does."""
        make_folder(self.attempts)
        with (self.folder / "lock").open("ab") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SpoolInUse(f"a station is served from {self.folder} already") from None
            yield

    def agent(self) -> str:
        """What this installation is called, made once."""
        path = self.folder / "agent"
        if not path.exists():
            with whole_file(path) as part:
                part.write_text(secrets.token_hex(12))
        return path.read_text().strip()

    def kept(self) -> list[Kept]:
        """Attempts that are not brought yet, the oldest first."""
        found = []
        for folder in self.attempts.iterdir():
            name = _NAME.fullmatch(folder.name)
            if name is None:
                continue
            if (folder / "order.json").exists():
                found.append(Kept(folder, int(name[1]), int(name[2])))
            else:  # killed before the order was whole: the server gives it again
                shutil.rmtree(folder, ignore_errors=True)
        return sorted(found, key=lambda one: (one.task, one.attempt))

    def add(self, task: int, attempt: int, order: dict[str, Any]) -> Kept:
        """Keep an order. An `OSError` leaves nothing behind."""
        folder = self.attempts / f"{task}-{attempt}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _reserve(folder / RESERVE)
            config = {**order["config"], "truth": str(folder / "truth.json")}
            # This may be made again from the order, which alone must be there after a power cut.
            (folder / "run.json").write_text(json.dumps(config, indent=1))
            write_json(folder / "order.json", order)
            flush(self.attempts)
        except OSError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return Kept(folder, task, attempt)

    def remove(self, kept: Kept) -> None:
        """The server has all of it."""
        # First what makes it an attempt: half of a removal is none.
        (kept.folder / "order.json").unlink(missing_ok=True)
        shutil.rmtree(kept.folder, ignore_errors=True)

    def set_aside(self, kept: Kept) -> Path:
        """The server wants it no more: it stays here for a person."""
        self.left.mkdir(exist_ok=True)
        target = self.left / kept.folder.name
        while target.exists():
            target = target.with_name(target.name + "+")
        kept.folder.rename(target)
        return target

    def free_bytes(self) -> int:
        """Room on its disk."""
        return shutil.disk_usage(self.folder).free
