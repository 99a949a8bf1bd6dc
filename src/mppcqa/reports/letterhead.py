"""The head of a report in an institution's look: logo, name, address, and a line in its colour."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from PIL import Image as Pictures
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Image, Spacer, Table, TableStyle

from mppcqa.charts.paper.lettering import BOLD, printable
from mppcqa.reports.document import (
    BODY,
    INK,
    LINE,
    SMALL,
    SMALLEST,
    WIDTH,
    paragraph,
    shortened,
)
from mppcqa.reports.look import PLAIN, Look

LOGO_WIDE, LOGO_HIGH = 150.0, 48.0
"""Room of a logo [points]; its shape is kept."""
PIXELS = 1200
"""Of its longer side, as it is in the file."""
SHORT_NAME = 60
MOST_LINES = 5
"""Of an address."""


def letterhead(look: Look, *, brief: bool = False) -> list[Any]:
    """What stands above a report's own head; nothing where the look says nothing of it.

    brief
        A small logo and the name in one line.
    """
    if not (look.logo or look.name or look.address):
        return []
    logo = _logo(look.logo, LOGO_HIGH / 2 if brief else LOGO_HIGH) if look.logo else None
    side = 0.0 if logo is None else logo.drawWidth + 12
    size = 12.0 if len(look.name) <= SHORT_NAME and not brief else 8.0
    name, address = look.name, address_lines(look.address)
    if brief:
        # A bold letter is up to a fifth broader.
        name, address = shortened(printable(name), (WIDTH - side) / 1.25, size), []
    style = ParagraphStyle(
        "letterhead", parent=BODY, fontName=BOLD, fontSize=size, leading=1.25 * size,
        textColor=colors.HexColor(look.colour) if look.colour else INK,
    )  # fmt: skip
    texts: list[Any] = [paragraph(name, style)] if name else []
    texts += [paragraph(line, SMALL) for line in address]
    cells, widths = [texts], [WIDTH - side]
    if logo is not None:
        cells, widths = [[logo], texts], [side, WIDTH - side]
    made = Table([cells], widths, hAlign="LEFT", spaceAfter=6)
    accent = colors.HexColor(look.accent) if look.accent else LINE
    made.setStyle(
        TableStyle(
            [
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 0),
                ("RIGHTPADDING", (0, 0), (-1, -1), 0),
                ("TOPPADDING", (0, 0), (-1, -1), 0),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 5),
                ("LINEBELOW", (0, 0), (-1, -1), 1.2, accent),
            ]
        )
    )
    return [made]


def address_lines(text: str) -> list[str]:
    """An address as it is printed: its lines; of too many the last ones in one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if len(lines) > MOST_LINES:
        lines = [*lines[: MOST_LINES - 1], ", ".join(lines[MOST_LINES - 1 :])]
    return lines


def _logo(data: bytes, high: float) -> Image:
    png, (wide, tall) = _on_white(data)
    scale = min(LOGO_WIDE / wide, high / tall)
    made = Image(io.BytesIO(png), wide * scale, tall * scale)
    made.hAlign = "LEFT"
    return made


@lru_cache(maxsize=8)
def _on_white(data: bytes) -> tuple[bytes, tuple[int, int]]:
    """A logo as it is in the file, with its size in pixels.

    What lets light through has no place in what is kept for fifty years. Made once for the
    thousands of certificates that have it.
    """
    with Pictures.open(io.BytesIO(data)) as found:
        found.draft("RGB", (PIXELS, PIXELS))
        found.thumbnail((PIXELS, PIXELS))
        shown = found.convert("RGBA")
    ground = Pictures.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    buffer = io.BytesIO()
    ground.convert("RGB").save(buffer, "PNG")
    return buffer.getvalue(), shown.size


def closing(look: Look) -> list[Any]:
    """The text at a report's end."""
    lines = [paragraph(line, SMALL) for line in look.closing.splitlines() if line.strip()]
    return [Spacer(1, 5), *lines] if lines else []


def least_room(look: Look) -> Iterator[tuple[list[Any], list[Any]]]:
    """Letterhead and closing text for one page: whole, then ever shorter where there is no room.

    The address goes first; at last the closing text is cut to a line.
    """
    yield letterhead(look), closing(look)
    if look != PLAIN:
        above = letterhead(look, brief=True)
        yield above, closing(look)
        text = " ".join(look.closing.split())
        cut = shortened(printable(text), WIDTH - 2, SMALLEST)
        yield above, [paragraph(cut, SMALL)] if cut else []


def running(look: Look, title: str) -> str:
    """The running head of a report."""
    return f"{look.name} · {title}" if look.name else title
