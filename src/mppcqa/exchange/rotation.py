"""Which backups there are, and which of them go: by age, so that no clicks flush old ones."""

from __future__ import annotations

import datetime as dt
import re
import secrets
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

from django.conf import settings
from django.utils import timezone

from mppcqa.disk import PART

MANIFEST = "manifest.json"
NAME = re.compile(r"mppcqa-(\d{8}-\d{6})(?:-\d+)?")
ALL_FOR = dt.timedelta(hours=2)
"""Every backup stays for so long: whoever makes one before a risky change, and another after it,
wants the first."""


def default_folder() -> Path:
    """Where backups go if nothing else is said."""
    return Path(settings.MPPCQA_BACKUPS)


def backups_of(folder: Path) -> list[Path]:
    """The whole backups below a folder, the oldest first."""
    found = {path.parent for path in folder.glob(f"mppcqa-*/{MANIFEST}")}
    return sorted((path for path in found if made_at(path)), key=lambda one: (made_at(one), one))


def newest(folder: Path) -> Path | None:
    """The newest whole backup below a folder."""
    found = backups_of(folder)
    return found[-1] if found else None


def made_at(backup: Path) -> dt.datetime | None:
    """When a backup was begun, by its name; None where that is no backup's name."""
    found = NAME.fullmatch(backup.name)
    if found is None:
        return None
    try:
        return dt.datetime.strptime(found[1], "%Y%m%d-%H%M%S").replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def free_name(folder: Path) -> Path:
    """A name for a backup that begins now."""
    first = folder / f"mppcqa-{timezone.now():%Y%m%d-%H%M%S}"
    number, name = 1, first
    while name.exists():
        number += 1
        name = first.with_name(f"{first.name}-{number}")
    return name


def is_too_soon(folder: Path) -> bool:
    """Whether the newest backup is younger than the least interval of automatic ones."""
    last = newest(folder)
    when = None if last is None else made_at(last)
    least = dt.timedelta(minutes=settings.MPPCQA_BACKUP_LEAST_MIN)
    return when is not None and dt.timedelta() <= timezone.now() - when < least


def rotate(folder: Path) -> list[str]:
    """Remove backups that are not among those to be kept; returns their names.

    Kept are all of the last two hours, and the newest one of each of so many hours, days and weeks
    (`MPPCQA_BACKUP_KEEP`) in which there was one: a time without backups makes none go.
    """
    found = backups_of(folder)
    keep = to_keep({path: made_at(path) or timezone.now() for path in found}, timezone.now())
    gone = [path for path in found if path not in keep]
    for path in gone:
        # Not half a backup under its name, whenever this is interrupted.
        part = path.with_name(f".{secrets.token_hex(8)}{PART}")
        path.rename(part)
        shutil.rmtree(part)
    return [path.name for path in gone]


def to_keep(made: dict[Path, dt.datetime], now: dt.datetime) -> set[Path]:
    """Those of some backups that stay, by when each was made."""
    keep = {path for path, when in made.items() if now - when < ALL_FOR}
    for periods, key in zip(settings.MPPCQA_BACKUP_KEEP, (_hour, _day, _week), strict=True):
        last = _newest_of_each(made.items(), key)
        keep.update(last[period] for period in sorted(last)[-periods:])
    return keep


def _newest_of_each(
    made: Iterable[tuple[Path, dt.datetime]], key: Callable[[dt.datetime], tuple[int, ...]]
) -> dict[tuple[int, ...], Path]:
    rows = sorted(made, key=lambda one: (one[1], one[0]))
    return {key(when): path for path, when in rows}


def _hour(when: dt.datetime) -> tuple[int, ...]:
    return when.year, when.month, when.day, when.hour


def _day(when: dt.datetime) -> tuple[int, ...]:
    return when.year, when.month, when.day


def _week(when: dt.datetime) -> tuple[int, ...]:
    return tuple(when.isocalendar()[:2])
