"""What our codes say: the one place that writes and reads them.

A code is short text, because each character makes a QR code larger and a scanner slower:

=================  ==============================================================
``GX-001``         a device; also its page's address, ``https://…/devices/GX-001/``
``.TRAY T-1``      a tray; also ``https://…/trays/T-1/``
``.STATION pde-1`` a station; also ``https://…/stations/pde-1/``
``.SLOT 3 pde-1``  a slot of a station
``.BOX 12``        a shipment; also ``https://…/shipments/12/``
``.CHECK …``       a stage that is a checklist; also ``https://…/checklists/…/``
``.DELIVERY …``    a box that a maker sent, by the box's own code; also ``https://…/deliveries/…/``
``.BADGE …``       a person, by a secret of which the server keeps a hash
``.START`` …       something to do, see `ACTIONS`; ``.TO T7`` names the tray
=================  ==============================================================

No serial number begins with a full stop, and keyboards of all layouts that we know have it at one
place: a scanner that is set to another layout still says the word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote, urlsplit

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mppcqa.inventory.serials import normal_serial
from mppcqa.people.models import BADGE_LENGTH, BADGE_LETTERS
from mppcqa.refused import Refused

LONGEST = 300
"""Characters that one code may have."""
MARK = "."
SAFE = " -._+:()"


class Kind(StrEnum):
    """What a code is about."""

    DEVICE = "device"
    TRAY = "tray"
    STATION = "station"
    SLOT = "slot"
    BOX = "box"
    CHECK = "check"
    BADGE = "badge"
    DELIVERY = "delivery"
    ACTION = "action"


WORDS = {
    "TRAY": Kind.TRAY,
    "STATION": Kind.STATION,
    "SLOT": Kind.SLOT,
    "BOX": Kind.BOX,
    "CHECK": Kind.CHECK,
    "BADGE": Kind.BADGE,
    "DELIVERY": Kind.DELIVERY,
}
ACTIONS = ("START", "AGAIN", "ANYWAY", "STOP", "UNLOAD", "TO", "UNDO", "YES", "NEW", "DONE")
"""Start a run; start the last one anew, or whatever its contact check finds; stop it; take all out
of the station; put into the tray that is named; take back what the last scan did; register what was
asked about; register each new one by its first scan from now on; put the station down."""
PAGES = {
    "devices": Kind.DEVICE,
    "trays": Kind.TRAY,
    "stations": Kind.STATION,
    "shipments": Kind.BOX,
    "checklists": Kind.CHECK,
    "deliveries": Kind.DELIVERY,
}
NO_DEVICE = frozenset({"register", "generate"})
"""What stands where a serial does, below ``/devices/``, and is none."""

# What a computer's keyboard layout makes of the keys that a scanner of another presses.
_SWAPPED = {"y": "z", "z": "y", "Y": "Z", "Z": "Y"}
_AT_ENGLISH = {"/": "-", "?": "_", ">": ":", "&": "/", "]": "+"}
LAYOUTS: dict[str, dict[str, str]] = {
    # what was typed -> what was scanned
    gettext_noop("scanner German or Spanish, computer English"): _AT_ENGLISH,
    gettext_noop("scanner German, computer English"): _AT_ENGLISH | _SWAPPED,
    gettext_noop("scanner English, computer German"): {
        **dict(zip("ß-Öö?", "-/::_", strict=True)),
        **_SWAPPED,
    },
    gettext_noop("scanner English, computer Spanish"): dict(zip("'-Ññ?", "-/::_", strict=True)),
}


class CodeRefused(Refused):
    """What was scanned says nothing; the fault says why and what to do."""


@dataclass(frozen=True)
class Code:
    """What a code says."""

    kind: Kind
    name: str = ""
    """Serial, name of the tray or station, number of the shipment, or the action's word."""
    about: str = ""
    """What an action names beside itself, such as a tray."""
    slot: int = 0
    plain: bool = False
    """Whether it was no more than a word: it may be the name of something else than a device."""


def write(kind: Kind, name: object, *, slot: int = 0, url: str = "") -> str:
    """The text of a code; with a `url` (of our pages) an address that a telephone opens as well."""
    text = quote(str(name), safe=SAFE)
    pages = {of: page for page, of in PAGES.items()}
    if url and kind in pages:
        return f"{url}/{pages[kind]}/{quote(str(name), safe='')}/"
    if kind == Kind.DEVICE:
        return str(name)
    if kind == Kind.SLOT:
        return f"{MARK}SLOT {slot} {text}"
    return f"{MARK}{text}" if kind == Kind.ACTION else f"{MARK}{kind.upper()} {text}"


def read(text: str) -> Code:
    """What was scanned; `CodeRefused` for what can be no code of ours."""
    text = text.strip()
    if not text:
        raise CodeRefused(_("Nothing was scanned."))
    if len(text) > LONGEST:
        raise CodeRefused(_("That is too long for one code. Scan again, one code at a time."))
    if len(re.findall(r"https?://", text, re.IGNORECASE)) > 1:
        raise CodeRefused(
            _("Those are two codes in one scan; nothing was done. Scan one after the other.")
        )
    if re.match(r"https?:", text, re.IGNORECASE):
        return _read_address(text)
    if text.startswith(MARK):
        return _read_word(text[1:])
    if "/devices/" in text:  # an address without its beginning
        return _read_address(text)
    return Code(Kind.DEVICE, normal_serial(text), plain=True)


def _read_address(text: str) -> Code:
    try:
        parts = [unquote(part) for part in urlsplit(text).path.split("/")]
    except ValueError:
        parts = []
    for at, part in enumerate(parts[:-1]):
        name = parts[at + 1].strip()
        if part.lower() in PAGES and name:
            kind = PAGES[part.lower()]
            if kind == Kind.DEVICE and name in NO_DEVICE:
                continue
            return Code(kind, normal_serial(name) if kind == Kind.DEVICE else name)
    raise CodeRefused(
        _("The address “%s” leads to nothing that is scanned here. Was it cut off? Scan again.")
        % text[:80]
    )


def _read_word(text: str) -> Code:
    word, _blank, rest = text.partition(" ")
    word, rest = word.upper(), unquote(rest.strip())
    if word == "SLOT":
        number, _blank, name = rest.partition(" ")
        if number.isascii() and number.isdigit() and len(number) < 6 and name.strip():
            return Code(Kind.SLOT, name.strip(), slot=int(number))
    elif word == "BADGE":
        return Code(Kind.BADGE, _secret(rest))
    elif word in WORDS and rest:
        return Code(WORDS[word], rest)
    elif word in ACTIONS and (rest or word != "TO"):
        return Code(Kind.ACTION, word, about=rest)
    raise CodeRefused(
        _("“%s” is no code that is known here. Was it cut off? Scan again.") % f".{text}"[:80]
    )


def _secret(text: str) -> str:
    """The secret of a badge; a refusal that never says it again."""
    secret = text.upper()
    if len(secret) != BADGE_LENGTH or set(secret) - set(BADGE_LETTERS):
        raise CodeRefused(
            _("That badge was not read whole, or two codes were read as one. Scan it again.")
        )
    return secret


def other_readings(text: str) -> Iterator[tuple[Code, str]]:
    """What it would be if the scanner has another keyboard layout, and scanner's and computer's."""
    seen = {text}
    for layouts, table in LAYOUTS.items():
        meant = "".join(table.get(one, one) for one in text.strip())
        if meant in seen:
            continue
        seen.add(meant)
        try:
            yield read(meant), layouts
        except CodeRefused:
            continue


def scanned_serial(text: str) -> str:
    """Serial in what was scanned or typed: a plain one, or our QR code's address of a device."""
    try:
        code = read(text)
    except CodeRefused:
        return normal_serial(text)
    return code.name if code.kind == Kind.DEVICE else normal_serial(text)
