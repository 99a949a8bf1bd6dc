"""What a person has in hand at the bench between two scans: kept in the session."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.http import HttpRequest

from mppcqa.runs.models import Station

KEY = "hand"
KEPT_S = 3600
"""A station that nobody scanned for for so long is not meant any more."""
SIGNED_S = 900
"""Nor is a person whose badge was scanned: somebody else may stand there now."""


@dataclass
class Hand:
    """The station and the device that the next scan is about, and how the last one is undone."""

    station: int | None = None
    name: str = ""
    """What that station is called."""
    slot: int = 0
    """The slot that was scanned; 0 means the next free one."""
    device: int | None = None
    """The device that was scanned last, at no station."""
    asked: str = ""
    """The serial number that nobody knows; scanned again it is registered."""
    registers: bool = False
    """Whether each new serial number is registered by its first scan."""
    badge: int = 0
    """The badge in whose person's name the next scan is done; 0 means who is logged in."""
    signed: str = ""
    """What that person is called."""
    undo: dict[str, Any] = field(default_factory=dict)
    """What `undoing` takes back: ``do`` and what it needs."""

    def station_here(self, named: str) -> Station | None:
        """The station of the page, or else the one that was scanned."""
        if named:
            return Station.objects.filter(name=named).first()
        return Station.objects.filter(pk=self.station).first() if self.station else None


def hand_of(request: HttpRequest) -> Hand:
    """What is in hand; nothing after a long time."""
    kept = request.session.get(KEY) or {}
    if time.time() - kept.get("at", 0) > KEPT_S:
        return Hand()
    names = {one.name for one in fields(Hand)}
    hand = Hand(**{name: value for name, value in kept.items() if name in names})
    if time.time() - kept.get("at", 0) > SIGNED_S:
        hand.badge, hand.signed, hand.registers = 0, "", False
    return hand


def keep(request: HttpRequest, hand: Hand) -> None:
    """For the next scan."""
    request.session[KEY] = {**asdict(hand), "at": int(time.time())}


def in_hand(request: HttpRequest) -> Hand:
    """What is in hand, for the head of each page; costs no query."""
    return hand_of(request)
