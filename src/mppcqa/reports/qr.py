"""QR codes that lead to a device's page."""

from __future__ import annotations

import io
from functools import lru_cache

import segno


@lru_cache(2000)
def qr_svg(text: str, scale: int = 3) -> str:
    """The QR code as an SVG element for a page.

    Of eight patterns that readers take alike, the one that is easiest to read in bad light takes
    six milliseconds to find: worth it on a label, not on a screen.
    """
    code = segno.make(text, error="m", micro=False, mask=0)
    # Without a size of its own it fills the place that the page gives it.
    return str(code.svg_inline(scale=scale, border=4, dark="#000", light="#fff", omitsize=True))


def qr_png(text: str, scale: int = 8) -> bytes:
    """The QR code as PNG with its quiet zone."""
    buffer = io.BytesIO()
    segno.make(text, error="m", micro=False).save(buffer, kind="png", scale=scale, border=4)
    return buffer.getvalue()
