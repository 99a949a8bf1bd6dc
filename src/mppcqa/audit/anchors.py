"""The end of the chain once a day, in files outside of the database.

Whoever can write the database could write the chain anew from its first link; not the files. One
lies in the home folder of each computer that seals, one more where `MPPCQA_AUDIT_ANCHORS` says:
another disk, a folder of another computer, a medium that is written once.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from mppcqa.audit.models import Entry

log = logging.getLogger("mppcqa.audit")
FILE = "audit-anchors.jsonl"
_days: dict[Path, str] = {}
"""The day of each file's last anchor, as this process knows it."""


@dataclass(frozen=True)
class Anchor:
    """A line of a file."""

    day: str
    entry: int
    hash: str
    path: Path


def places() -> list[Path]:
    """The files of this computer."""
    found = [Path(settings.MPPCQA_HOME) / FILE]
    if settings.MPPCQA_AUDIT_ANCHORS:
        found.append(Path(settings.MPPCQA_AUDIT_ANCHORS))
    return found


def anchor(last: Entry, *, now: dt.datetime | None = None, again: bool = False) -> int:
    """Write the chain's end into each file that has none of today; returns into how many."""
    day = (now or dt.datetime.now(dt.UTC)).date().isoformat()
    done = 0
    for path in places():
        if not again and _last_day(path) == day:
            continue
        try:
            _append(path, {"day": day, "entry": last.pk, "hash": last.hash})
        except OSError as error:
            log.error("the audit was not anchored in %s: %s", path, error)
            continue
        _days[path] = day
        done += 1
    return done


def note_restored(entry: int, backup: str) -> None:
    """The chain is that of a backup from now on, which ends at this entry."""
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    for path in places():
        try:
            _append(path, {"restored": backup, "entry": entry, "at": now})
        except OSError as error:
            log.error("the restore was not noted in %s: %s", path, error)


def wanted() -> tuple[dict[int, list[Anchor]], list[str]]:
    """Entry -> its anchors, and what should be said of the files.

    After a restore, anchors of entries later than the backup's last one count no more.
    """
    found: dict[int, list[Anchor]] = defaultdict(list)
    notes = []
    for path in places():
        mine: list[Anchor] = []
        for number, said in _lines(path):
            if said is None:
                notes.append(f"line {number} of {path} is no anchor")
            elif "restored" in said:
                gone = [one for one in mine if one.entry > said["entry"]]
                mine = [one for one in mine if one.entry <= said["entry"]]
                notes.append(
                    f"{said['at']}: {said['restored']} was restored, whose chain ends at entry "
                    f"{said['entry']}; {len(gone)} later anchors in {path} count no more"
                )
            else:
                mine.append(Anchor(said["day"], said["entry"], said["hash"], path))
        for one in mine:
            found[one.entry].append(one)
    return found, notes


def _lines(path: Path) -> list[tuple[int, dict[str, Any] | None]]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    found: list[tuple[int, dict[str, Any] | None]] = []
    for number, line in enumerate(lines, 1):
        try:
            said = json.loads(line)
            whole = isinstance(said["entry"], int) and ("restored" in said or said["day"])
            found.append((number, said if whole else None))
        except (ValueError, KeyError, TypeError):
            found.append((number, None))
    return found


def _last_day(path: Path) -> str:
    if path not in _days or not path.is_file():
        days = [said["day"] for _number, said in _lines(path) if said and "day" in said]
        _days[path] = days[-1] if days else ""
    return _days[path]


def _append(path: Path, said: dict[str, Any]) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(said) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
