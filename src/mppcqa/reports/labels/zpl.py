"""Labels in ZPL II, the language of label printers, as text that is sent to them as it is."""

from __future__ import annotations

from collections.abc import Sequence

from mppcqa.reports.labels.fitting import INCH, Fitted

SPECIAL = "^~_\\"
"""What begins a command or an escape."""


def zpl(labels: Sequence[Fitted], width: float, height: float, dpi: int) -> str:
    """A format for each label of a size [mm], laid out for the printer's dots an inch."""
    return "".join(_format(one, width, height, dpi) for one in labels)


def _format(fitted: Fitted, width: float, height: float, dpi: int) -> str:
    def dots(length: float) -> int:
        return round(length / INCH * dpi)

    level = fitted.level.upper()
    fields = [
        f"^FO{dots(fitted.x)},{dots(fitted.y)}^BQN,2,{fitted.dots}"
        f"^FH_^FD{level}A,{escaped(fitted.label.code)}^FS"
    ]
    for one in fitted.lines:
        size = round(one.size / 72 * dpi)
        fields.append(
            f"^FO{dots(one.x)},{max(0, dots(one.y) - size)}^A0N,{size},{size}"
            f"^FH_^FD{escaped(one.text)}^FS"
        )
    head = f"^XA^CI28^PW{dots(width)}^LL{dots(height)}^LH0,0"
    return "\n".join([head, *fields, "^XZ", ""])


def escaped(text: str) -> str:
    """A field's data: bytes of UTF-8, those that mean something to the printer as ``_5E``."""
    return "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in SPECIAL else f"_{byte:02X}"
        for byte in text.encode()
    )
