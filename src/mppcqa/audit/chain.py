"""Sealing: what waits becomes links of the chain; and the check that no link was touched since."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction

from mppcqa.audit import anchors
from mppcqa.audit.models import Change, Entry, Waiting, Writer
from mppcqa.audit.telling import KEPT_S
from mppcqa.audit.triggers import faults_of_triggers, note

AT_ONCE = 2000
START = "0" * 64
"""What the first link is chained to."""
Told = Callable[[int, int, str], None]


def link(before: str, number: int, row: Change) -> str:
    """The hash of a link: SHA-256 of the one before and all that the entry says."""
    at = row.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
    said = [before, number, at, row.source, row.table, row.row, row.action, row.before, row.after]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def seal(most_s: float = 5.0) -> int:
    """Chain what waits, a piece a transaction, and anchor the chain if it is a new day's first.

    Returns how many. Others' transactions are never waited for: what they commit later comes later.
    Two that seal at once do no harm, the second stops.
    """
    done, until = 0, time.monotonic() + most_s
    while time.monotonic() < until:
        try:
            with transaction.atomic():
                n = _seal_some()
        except IntegrityError:
            break
        done += n
        if n < AT_ONCE:
            break
    if done:
        Writer.objects.filter(at__lt=int(time.time() - KEPT_S)).delete()
        last = Entry.objects.order_by("-pk").first()
        if last is not None:
            anchors.anchor(last)
    return done


def _seal_some() -> int:
    rows = list(Waiting.objects.order_by("pk")[:AT_ONCE])
    if not rows:
        return 0
    last = Entry.objects.order_by("-pk").values_list("pk", "hash").first()
    number, before = last or (0, START)
    links = []
    for row in rows:
        number += 1
        before = link(before, number, row)
        links.append(
            Entry(
                id=number,
                waited=row.pk,
                who=_who(row.source),
                hash=before,
                **{
                    name: getattr(row, name)
                    for name in ("at", "source", "table", "row", "action", "before", "after")
                },
            )
        )
    Entry.objects.bulk_create(links, batch_size=500)
    Waiting.objects.filter(pk__in=[row.pk for row in rows])._raw_delete("default")
    return len(rows)


def restored(backup: str) -> None:
    """The database is now what a backup holds: say so to the chain and to the anchors."""
    last = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    note("restore", {"backup": backup, "last entry": last})
    anchors.note_restored(last, backup)


def _who(source: str | None) -> int | None:
    try:
        found: Any = json.loads(source or "{}")
        who = found.get("who")
    except (ValueError, AttributeError):
        return None  # somebody else's program told it
    return who if isinstance(who, int) and 0 < who < 2**63 else None


@dataclass
class Verified:
    """What `verify` found."""

    entries: int = 0
    waiting: int = 0
    anchors: int = 0
    """Those that were compared."""
    broken: str = ""
    """The first link that does not hold, and why; empty where all do."""
    faults: list[str] = field(default_factory=list)
    """What else is not as it should be: anchors, triggers."""
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def holds(self) -> bool:
        return not self.broken and not self.faults


def verify(told: Told = lambda done, total, text: None) -> Verified:
    """Go along the whole chain, and hold it against the anchors that this computer has."""
    started = time.monotonic()
    wanted, notes = anchors.wanted()
    total = Entry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    found = follow(_pieces(), wanted, lambda done: told(done, total, ""))
    found.notes, found.waiting = notes, Waiting.objects.count()
    found.faults += faults_of_triggers()
    found.seconds = time.monotonic() - started
    return found


def _pieces() -> Iterator[list[Entry]]:
    number = 0
    while rows := list(Entry.objects.filter(pk__gt=number).order_by("pk")[:AT_ONCE]):
        yield rows
        number = rows[-1].pk


def follow(
    pieces: Iterable[Sequence[Entry]],
    wanted: dict[int, list[anchors.Anchor]],
    told: Callable[[int], None] = lambda done: None,
) -> Verified:
    """Go along a whole chain, some entries at a time from its first, and hold it against anchors.

    `wanted` is entry -> its anchors; those that were met are taken out.
    """
    found = Verified()
    number, before = 0, START
    for rows in pieces:
        for row in rows:
            if row.pk != number + 1:
                gap = f"{number + 1}" if row.pk == number + 2 else f"{number + 1} to {row.pk - 1}"
                found.broken = f"entry {gap} is missing, before {_named(row)}"
                break
            expected = link(before, row.pk, row)
            if row.hash != expected or row.who != _who(row.source):
                found.broken = f"{_named(row)} is not what was sealed"
                break
            number, before = row.pk, expected
            for anchor in wanted.pop(number, ()):
                found.anchors += 1
                if anchor.hash != before:
                    found.faults.append(
                        f"the anchor of {anchor.day} in {anchor.path} has another hash for entry "
                        f"{number}: the chain was written anew"
                    )
        told(number)
        if found.broken:
            break
    found.entries = number
    if not found.broken:
        for place, some in sorted(wanted.items()):
            found.faults.append(
                f"entry {place}, which the anchor of {some[0].day} in {some[0].path} names, is not "
                f"there: the chain ends at {number}"
            )
    return found


def _named(row: Entry) -> str:
    at = row.at.astimezone(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"entry {row.pk} ({at}, {row.table} {row.row})"
