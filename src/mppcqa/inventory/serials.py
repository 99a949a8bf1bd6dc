"""Serial numbers: one way of writing them, patterns, check characters."""

from __future__ import annotations

import re
from typing import Protocol

from django.utils.translation import gettext as _

SERIAL_LENGTH = 64
ALLOWED = re.compile(r"[0-9A-Z][0-9A-Z._:+-]*")
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class SerialRules(Protocol):
    """What a device type says of its serial numbers; its text is its name."""

    serial_pattern: str
    """Regular expression that a whole serial must match; empty takes all."""
    serial_check: str
    """``mod10``, ``mod36``, or empty."""


def normal_serial(text: object) -> str:
    """The one way of writing a serial: no outer blanks, capitals.

    A scanner, a keyboard and a spreadsheet must mean the same device, and databases differ in
    whether ``a`` equals ``A``.
    """
    return str(text if text is not None else "").strip().upper()


def serial_faults(serial: str, device_type: SerialRules | None = None) -> list[str]:
    """What is wrong with a (normal) serial number, in words; empty if nothing is."""
    if not serial:
        return [_("the serial number is empty")]
    faults = []
    if len(serial) > SERIAL_LENGTH:
        faults.append(_("the serial number has more than %d characters") % SERIAL_LENGTH)
    if not ALLOWED.fullmatch(serial):
        faults.append(
            _("the serial number %s may have letters, digits and . _ : + - only") % serial[:80]
        )
    if device_type is None:
        return faults
    try:
        looks_right = not device_type.serial_pattern or fits(serial, device_type.serial_pattern)
    except ValueError as error:
        faults.append(_("the serial pattern of %s can't be read: ") % device_type + str(error))
        return faults
    if not looks_right:
        faults.append(
            _("the serial number %(serial)s does not look like those of %(type)s (%(pattern)s)")
            % {"serial": serial, "type": device_type, "pattern": device_type.serial_pattern}
        )
    if device_type.serial_check and not _check_holds(serial, device_type.serial_check):
        faults.append(
            _("the check character of %s does not fit: it was misread or mistyped") % serial
        )
    return faults


def fits(serial: str, pattern: str) -> bool:
    """Whether all of a serial is as a regular expression says; capitals do not matter.

    RE2 reads it, whose time grows with the length of the text and no faster: with Python's own a
    careless pattern can hold a server for hours. Raises `ValueError` for what is no pattern.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = f"^(?:{pattern})$"
    found = pc.match_substring_regex(pa.scalar(serial), pattern=whole, ignore_case=True)
    return bool(found.as_py())


def with_check(body: str, scheme: str) -> str:
    """`body` with its check character appended; schemes ``mod10`` (Luhn) and ``mod36``."""
    return body + _check_character(body, scheme) if scheme else body


def _check_holds(serial: str, scheme: str) -> bool:
    return bool(serial[:-1]) and serial[-1] == _check_character(serial[:-1], scheme)


def _check_character(body: str, scheme: str) -> str:
    """Luhn's algorithm over the characters of `body` (ISO/IEC 7812-1, and its mod-N form)."""
    base = {"mod10": 10, "mod36": 36}[scheme]
    total, double = 0, True
    for character in reversed(body.upper()):
        position = ALPHABET.find(character)
        if not 0 <= position < base:
            # Dashes and, in a digit scheme, letters carry no weight.
            continue
        weighted = position * (2 if double else 1)
        total += weighted // base + weighted % base
        double = not double
    return ALPHABET[-total % base]
