"""Type on paper: embedded fonts that have a sign for every character, widths, broken lines."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from typing import Any

import fontpkg_inter
import reportlab
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

FONT, BOLD, OTHER = "Vera", "VeraBd", "Inter"
RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"
SMALLEST = 7.0
"""Type in charts [points]."""


def _register() -> None:
    """Vera, which ReportLab brings along, and Inter for what Vera lacks: raised digits, most Greek,
    arrows, Cyrillic."""
    folder = f"{next(iter(reportlab.__path__))}/fonts"
    pdfmetrics.registerFont(TTFont(FONT, f"{folder}/Vera.ttf"))
    pdfmetrics.registerFont(TTFont(BOLD, f"{folder}/VeraBd.ttf"))
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD)
    inter = fontpkg_inter.ROOT / "files" / "Inter[opsz,wght].ttf"
    pdfmetrics.registerFont(TTFont(OTHER, inter))


_register()


def _has(font: str, sign: str) -> bool:
    return ord(sign) in pdfmetrics.getFont(font).face.charToGlyph


@lru_cache(4096)
def _font_of(sign: str, font: str) -> str:
    """The font that draws a sign; empty where none of ours can."""
    if sign in RAISED:
        return OTHER  # Vera has three of them, which look unlike the others beside them
    if _has(font, sign):
        return font
    return OTHER if _has(OTHER, sign) else ""


def printable(text: object) -> str:
    """The text in signs that can be drawn: one that no font has is named, ``‹U+6D5C›``.

    So nothing of a name is lost on paper. Line ends and tabs become blanks.
    """
    whole = unicodedata.normalize("NFC", " ".join(str(text).split()) if text else "")
    if whole.isascii() and whole.isprintable():
        return whole
    return "".join(
        one if _font_of(one, FONT) and one.isprintable() else f"‹U+{ord(one):04X}›" for one in whole
    )


def runs(text: str, font: str = FONT) -> Iterator[tuple[str, str]]:
    """Pieces of a printable text, and the font of each."""
    if text.isascii():
        yield text, font
        return
    for name, piece in groupby(text, lambda sign: _font_of(sign, font) or OTHER):
        yield "".join(piece), name


@lru_cache(8192)
def width_of(text: str, size: float, font: str = FONT) -> float:
    """Width [points] of a printable text in one line."""
    found: float = sum(pdfmetrics.stringWidth(piece, own, size) for piece, own in runs(text, font))
    return found


def write(
    canvas: Any, x: float, y: float, text: str, size: float = SMALLEST, *,
    font: str = FONT, anchor: float = 0.0,
) -> float:  # fmt: skip
    """Write a printable text; at `anchor` 0 it begins at x, at 1 it ends there. Gives its width."""
    width = width_of(text, size, font)
    line = canvas.beginText(x - anchor * width, y)
    for piece, own in runs(text, font):
        line.setFont(own, size)
        line.textOut(piece)
    canvas.drawText(line)
    return width


def lines_of(text: str, width: float, size: float, font: str = FONT) -> list[str]:
    """The text in lines that fit into a width; a word that is too long for one is broken."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if width_of(longer, size, font) <= width:
            line = longer
            continue
        if line:
            lines.append(line)
        *full, line = _broken(word, width, size, font)
        lines += full
    return [*lines, line] if line else lines


def within(text: str, width: float, size: float, most: int) -> list[str]:
    """At most so many lines of a printable text: of a longer one the beginning and the end."""
    lines = lines_of(text, width, size)
    kept = len(text)
    while len(lines) > most and kept > 2:
        kept = kept * 9 // 10
        cut = f"{text[: kept - kept // 2]}…{text[len(text) - kept // 2 :]}"
        lines = lines_of(cut, width, size)
    return lines


def _broken(word: str, width: float, size: float, font: str) -> list[str]:
    parts = [""]
    for sign in word:
        if parts[-1] and width_of(parts[-1] + sign, size, font) > width:
            parts.append("")
        parts[-1] += sign
    return parts
