"""The states of a device and the moves between them: the one table that everything asks.

`inventory.moving` is the only place that changes a state. It asks this table, holds the devices
while it does, and keeps who moved what, when, why, from where and to where.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, override, pgettext_lazy


class DeviceState(models.TextChoices):
    """Where a device is in its life. `IN_TEST` is never stored: `inventory.moving` says why."""

    REGISTERED = "registered", gettext_lazy("registered")
    IN_TRAY = "in_tray", gettext_lazy("in its tray")
    AT_REST = "at_rest", gettext_lazy("at rest")
    LOADED = "loaded", gettext_lazy("loaded")
    IN_TEST = "in_test", gettext_lazy("in test")
    PACKED = "packed", gettext_lazy("packed")
    SHIPPED = "shipped", gettext_lazy("on its way")
    RECEIVED = "received", gettext_lazy("received")
    ON_HOLD = "on_hold", gettext_lazy("on hold")
    INSTALLED = "installed", gettext_lazy("installed")
    LOST = "lost", pgettext_lazy("device", "lost")
    RETIRED = "retired", gettext_lazy("retired")


class Move(models.TextChoices):
    """What is done with devices."""

    PLACE = "place", gettext_lazy("put into a tray")
    TAKE_OUT = "take_out", gettext_lazy("taken out of its tray")
    RELOCATE = "relocate", gettext_lazy("moved to another place")
    JOIN = "join", gettext_lazy("put into another campaign")
    OWN = "own", gettext_lazy("given to another owner")
    LOAD = "load", gettext_lazy("loaded into a station")
    UNLOAD = "unload", gettext_lazy("unloaded")
    START = "start", gettext_lazy("put to the test")
    INSPECT = "inspect", gettext_lazy("looked at")
    PACK = "pack", gettext_lazy("packed")
    UNPACK = "unpack", gettext_lazy("unpacked")
    SHIP = "ship", gettext_lazy("sent")
    RECEIVE = "receive", gettext_lazy("received")
    MISS = "miss", gettext_lazy("missing on arrival")
    HOLD = "hold", gettext_lazy("put on hold")
    RELEASE = "release", gettext_lazy("released")
    INSTALL = "install", gettext_lazy("installed")
    REMOVE = "remove", gettext_lazy("removed from where it was installed")
    RETIRE = "retire", gettext_lazy("retired")
    REINSTATE = "reinstate", gettext_lazy("reinstated")
    LOSE = "lose", gettext_lazy("declared lost")
    FIND = "find", gettext_lazy("found again")
    MEND = "mend", gettext_lazy("set right by a check")


S = DeviceState
AT_HAND = frozenset({S.REGISTERED, S.IN_TRAY, S.AT_REST, S.RECEIVED})
"""Nobody has it in work, and it may be taken for anything."""
ANYWHERE = frozenset(DeviceState)


@dataclass(frozen=True)
class Rule:
    """From which states a move leads where.

    ``to`` is None where the state stays as it is; `AT_REST` means in its tray for a device that has
    a tray. From the states in ``excused`` it leads only where somebody gave a reason beforehand.
    """

    former: frozenset[DeviceState]
    to: DeviceState | None
    by_hand: bool = False
    """Whether a person makes it on the device's page."""
    needs_reason: bool = False
    excused: frozenset[DeviceState] = frozenset()
    note: str = ""
    """For the documentation."""


TABLE: dict[Move, Rule] = {
    Move.PLACE: Rule(
        AT_HAND | {S.ON_HOLD},
        S.IN_TRAY,
        note="a device on hold stays on hold",
    ),
    Move.TAKE_OUT: Rule(
        AT_HAND | {S.ON_HOLD, S.INSTALLED, S.LOST, S.RETIRED},
        S.AT_REST,
        note="only what is in its tray changes; it has no place there from now on",
    ),
    Move.RELOCATE: Rule(AT_HAND | {S.ON_HOLD, S.INSTALLED, S.RETIRED}, None),
    Move.JOIN: Rule(ANYWHERE, None, note="its runs stay in the campaign that they were made for"),
    Move.OWN: Rule(ANYWHERE, None, note="its runs stay with their owner"),
    Move.LOAD: Rule(AT_HAND, S.LOADED, note="the station stands where the device is"),
    Move.UNLOAD: Rule(frozenset({S.LOADED}), S.AT_REST),
    Move.START: Rule(
        frozenset({S.LOADED, S.IN_TEST}),
        S.IN_TEST,
        note="it is loaded again when its measurement has ended",
    ),
    Move.INSPECT: Rule(AT_HAND | {S.LOADED, S.ON_HOLD}, None, note="a stage that is a checklist"),
    Move.PACK: Rule(
        AT_HAND,
        S.PACKED,
        excused=frozenset({S.ON_HOLD}),
        note=(
            "one that fails a stage, or is on hold, only where the shipment says so: returned to "
            "the maker, or allowed with a reason"
        ),
    ),
    Move.UNPACK: Rule(frozenset({S.PACKED}), S.AT_REST),
    Move.SHIP: Rule(frozenset({S.PACKED}), S.SHIPPED, note="asked again as for packing"),
    Move.RECEIVE: Rule(
        AT_HAND | {S.SHIPPED, S.LOST, S.ON_HOLD},
        S.RECEIVED,
        note="also what came along in the box; a device on hold stays on hold",
    ),
    Move.MISS: Rule(frozenset({S.SHIPPED, S.LOST}), S.LOST),
    Move.HOLD: Rule(AT_HAND, S.ON_HOLD, by_hand=True, needs_reason=True),
    Move.RELEASE: Rule(frozenset({S.ON_HOLD}), S.AT_REST, by_hand=True),
    Move.INSTALL: Rule(AT_HAND, S.INSTALLED, by_hand=True),
    Move.REMOVE: Rule(frozenset({S.INSTALLED}), S.AT_REST, by_hand=True),
    Move.RETIRE: Rule(
        AT_HAND | {S.ON_HOLD, S.INSTALLED, S.LOST}, S.RETIRED, by_hand=True, needs_reason=True
    ),
    Move.REINSTATE: Rule(frozenset({S.RETIRED}), S.AT_REST, by_hand=True, needs_reason=True),
    Move.LOSE: Rule(
        AT_HAND | {S.ON_HOLD, S.INSTALLED, S.SHIPPED}, S.LOST, by_hand=True, needs_reason=True
    ),
    Move.FIND: Rule(
        frozenset({S.LOST}),
        S.AT_REST,
        by_hand=True,
        note="one that is still in a shipment is received with that",
    ),
}

# What is said to a person who meets a state that is in the way: what it is, and what to do.
IN_THE_WAY = {
    S.LOADED: gettext_noop("%(serial)s sits in %(where)s; unload it there first"),
    S.IN_TEST: gettext_noop(
        "%(serial)s is in test (%(where)s); wait for the end of the measurement or stop it, then "
        "unload it"
    ),
    S.PACKED: gettext_noop("%(serial)s is packed for %(where)s; unpack it there first"),
    S.SHIPPED: gettext_noop(
        "%(serial)s is on its way already (%(where)s); receive that shipment first"
    ),
    S.ON_HOLD: gettext_noop("%(serial)s is on hold; release it on its page first"),
    S.INSTALLED: gettext_noop(
        "%(serial)s is installed; say on its page that it was removed, first"
    ),
    S.LOST: gettext_noop("%(serial)s is lost; say on its page that it was found again, first"),
    S.RETIRED: gettext_noop("%(serial)s is retired; reinstate it on its page first"),
}
SOMEWHERE = {
    S.LOADED: gettext_noop("a station"),
    S.IN_TEST: gettext_noop("a station"),
    S.PACKED: gettext_noop("a shipment"),
    S.SHIPPED: gettext_noop("a shipment"),
}


def may(move: Move, state: DeviceState, *, excused: bool = False) -> bool:
    """Whether the table has a move from a state; `excused` where a reason was given for it."""
    rule = TABLE[move]
    return state in rule.former or (excused and state in rule.excused)


def after(move: Move, state: DeviceState, *, has_tray: bool) -> DeviceState:
    """The state that a permitted move leads to, for a device that has a tray or none."""
    to = TABLE[move].to
    if to is None or (state == S.ON_HOLD and move in (Move.PLACE, Move.RECEIVE)):
        return state
    if move == Move.TAKE_OUT:
        return S.AT_REST if state == S.IN_TRAY else state
    return S.IN_TRAY if to == S.AT_REST and has_tray else to


def moves_by_hand(state: DeviceState) -> list[Move]:
    """What a person may do with a device on its page."""
    return [move for move, rule in TABLE.items() if rule.by_hand and may(move, state)]


def why_not(move: Move, state: DeviceState, serial: str, where: str = "") -> str:
    """Why a device can't be moved, and what to do first."""
    if state in TABLE[move].excused:
        text = _(
            "%(serial)s is on hold; release it on its page, or say in the shipment that it is "
            "returned, or why it may go"
        )
        return text % {"serial": serial}
    if move == Move.RECEIVE and state in (S.LOADED, S.IN_TEST):
        text = _(
            "%(serial)s sits in %(where)s, so it can't have come in this box; unload it there if "
            "it did, or leave it out"
        )
        return text % {"serial": serial, "where": where or _("a station")}
    if state in IN_THE_WAY:
        place = where or (_(SOMEWHERE[state]) if state in SOMEWHERE else "")
        return _(IN_THE_WAY[state]) % {"serial": serial, "where": place}
    values: dict[str, Any] = {
        "serial": serial,
        "state": state.label,
        "move": move.label,
        "states": _listed(TABLE[move].former),
    }
    text = _(
        "%(serial)s is %(state)s; only what is %(states)s can be %(move)s: its page "
        "says what may be done with it"
    )
    return text % values


def table_as_text() -> str:
    """The table as Markdown, for the documentation."""
    lines = ["| what is done | from | to | |", "|---|---|---|---|"]
    with override("en"):
        for move, rule in TABLE.items():
            former = _listed(rule.former)
            if rule.excused:
                former += f"; with a reason: {_listed(rule.excused)}"
            to = "(stays)" if rule.to is None else str(rule.to.label)
            if rule.to == S.AT_REST and move != Move.TAKE_OUT:
                to = "in its tray, or at rest where it has none"
            notes = [rule.note] if rule.note else []
            if rule.by_hand:
                notes.append("on its page" + (", with a reason" if rule.needs_reason else ""))
            lines.append(f"| {move.label} | {former} | {to} | {'; '.join(notes)} |")
    return "\n".join(lines) + "\n"


def _listed(states: frozenset[DeviceState]) -> str:
    return ", ".join(str(one.label) for one in S if one in states)
