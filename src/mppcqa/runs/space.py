"""How much room the server's disk has: told early, and no run is begun that it could not keep.

Asked wherever the queue takes a measuring task or hands it out: a run, a repeat, a chain that is
resumed, one that waited. A run that is under way goes on: its file comes or is kept where it was
measured. What is not begun costs nobody a measurement.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from mppcqa.queue.program_user import ProgramUserFault
from mppcqa.queue.programs import own_user


@dataclass(frozen=True)
class Room:
    """The disk of a folder."""

    folder: Path
    free: int
    """Bytes that the program may still write."""
    size: int

    @property
    def percent(self) -> float:
        """Of the disk, what is free."""
        return 100 * self.free / self.size if self.size else 0.0


def room() -> Room:
    """The disk with the least room, in percent, of those that hold run files and what waits."""
    found = []
    folders = [Path(settings.MPPCQA_HOME), Path(settings.MEDIA_ROOT)]
    with suppress(ProgramUserFault):
        user = own_user()
        folders += [] if user is None else [user.place]
    for folder in folders:
        there = next(one for one in (folder, *folder.parents) if one.is_dir())
        usage = shutil.disk_usage(there)
        found.append(Room(there, usage.free, usage.total))
    return min(found, key=lambda one: one.percent)


def warning() -> str:
    """What is to be told of the disk; empty while it has room enough."""
    text = _(
        "The server's disk has %(free)s left, %(percent).1f %% of it; below %(stop)g %% no new run "
        "is begun. Make room, or give it a larger disk: %(folder)s"
    )
    return _told_below(settings.MPPCQA_DISK_WARN_PERCENT, text)


def too_full() -> str:
    """Why no run is begun now; empty while there is room for one."""
    text = _(
        "The server's disk has %(free)s left, %(percent).1f %% of it: below %(stop)g %% no new run "
        "is begun; those that run go on. Whoever keeps the server has to make room."
    )
    return _told_below(settings.MPPCQA_DISK_STOP_PERCENT, text)


def _told_below(percent: float, text: str) -> str:
    found = room()
    if found.percent >= percent:
        return ""
    return text % {
        "free": f"{found.free / 1e9:.1f} GB",
        "percent": found.percent,
        "stop": settings.MPPCQA_DISK_STOP_PERCENT,
        "folder": found.folder,
    }
