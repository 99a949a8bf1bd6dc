"""The head of a report in an institution's look: logo, name, address, and a line in its colour."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image as Pictures
from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Image, Table, TableStyle

from mppcqa.charts.paper.lettering import BOLD
from mppcqa.reports.document import BODY, INK, LINE, SMALL, WIDTH, paragraph
from mppcqa.reports.look import Look

LOGO_WIDE, LOGO_HIGH = 150.0, 48.0
"""Room of a logo [points]; its shape is kept."""
PIXELS = 1200
"""Of its longer side, as it is in the file."""
SHORT_NAME = 60
MOST_LINES = 5
"""Of an address."""


def letterhead(look: Look) -> list[Any]:
    """What stands above a report's own head; nothing where the look says nothing of it."""
    if not (look.logo or look.name or look.address):
        return []
    logo = _logo(look.logo) if look.logo else None
    side = 0.0 if logo is None else logo.drawWidth + 12
    size = 12.0 if len(look.name) <= SHORT_NAME else 8.0
    style = ParagraphStyle(
        "letterhead", parent=BODY, fontName=BOLD, fontSize=size, leading=1.25 * size,
        textColor=colors.HexColor(look.colour) if look.colour else INK,
    )  # fmt: skip
    texts: list[Any] = [paragraph(look.name, style)] if look.name else []
    texts += [paragraph(line, SMALL) for line in address_lines(look.address)]
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


def _logo(data: bytes) -> Image:
    """A logo on white: what lets light through has no place in what is kept for fifty years."""
    with Pictures.open(io.BytesIO(data)) as found:
        found.draft("RGB", (PIXELS, PIXELS))
        found.thumbnail((PIXELS, PIXELS))
        shown = found.convert("RGBA")
    ground = Pictures.new("RGBA", shown.size, "white")
    ground.alpha_composite(shown)
    buffer = io.BytesIO()
    ground.convert("RGB").save(buffer, "PNG")
    scale = min(LOGO_WIDE / shown.width, LOGO_HIGH / shown.height)
    buffer.seek(0)
    made = Image(buffer, shown.width * scale, shown.height * scale)
    made.hAlign = "LEFT"
    return made


def closing(look: Look) -> list[Any]:
    """The text at a report's end."""
    return [paragraph(line, SMALL) for line in look.closing.splitlines() if line.strip()]


def running(look: Look, title: str) -> str:
    """The running head of a report."""
    return f"{look.name} · {title}" if look.name else title
