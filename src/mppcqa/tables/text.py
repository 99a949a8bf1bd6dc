"""Text files as laboratories write them: whatever encoding, read as lines."""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from mppcqa.tables.errors import TableError
from mppcqa.tables.headings import MAX_COLUMNS, too_many_columns
from mppcqa.tables.languages import encoding_by_words
from mppcqa.tables.words import say as _

MAX_BYTES = 500_000_000
SNIFF_BYTES = 256 * 1024
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
LINE_END = re.compile(r"\r\n|\n|\r")


def find_encoding(path: Path) -> str:
    """UTF-8 if all of the file is, UTF-16 or 32 by mark or zeros, else by words, or Windows-1252.

    Raises `TableError` for what is no text.
    """
    with path.open("rb") as file:
        start = file.read(4096)
        for mark, name in MARKS:
            if start.startswith(mark):
                return name
        zeros = (start[::2].count(0), start[1::2].count(0))
        if sum(zeros) > len(start) // 3 and min(zeros) * 10 < max(zeros):
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
        decoder = codecs.getincrementaldecoder("utf-8")()
        piece = start
        try:
            while piece:
                if b"\x00" in piece:
                    raise TableError(_not_text())
                decoder.decode(piece)
                piece = file.read(1 << 20)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            said = encoding_by_words(start)
            fitting = (one for one in (said, "cp1252") if one and _decodes(path, one))
            return next(fitting, "latin-1")
    return "utf-8"


def _not_text() -> str:
    return _("This is no text but a binary file. Save the table as CSV or Excel.")


def _decodes(path: Path, encoding: str) -> bool:
    try:
        with path.open(encoding=encoding, newline="") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def sample_lines(path: Path, encoding: str, most: int = SNIFF_BYTES) -> list[str]:
    """The first lines of a text, without their ends; the last is whole."""
    stat = path.stat()
    return list(_sample(str(path), encoding, most, stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=8)
def _sample(
    path: str, encoding: str, most: int, _time: int, _size: int, _inode: int
) -> tuple[str, ...]:
    try:
        with Path(path).open(encoding=encoding, newline="") as file:
            sample = file.read(most)
            whole = not file.read(1)
    except (UnicodeError, LookupError):
        raise TableError(_("The text is not in %s. Choose another encoding.") % encoding) from None
    lines = LINE_END.split(sample.removeprefix("\ufeff"))
    if whole:
        while lines and not lines[-1]:
            lines.pop()
        return tuple(lines)
    if len(lines) == 1:
        for mark in ",;\t|":
            if sample.count(mark) >= MAX_COLUMNS:
                raise TableError(too_many_columns(sample.count(mark) + 1))
        raise TableError(_("The first line has no end: this is no table."))
    return tuple(lines[:-1])


def read_lines(path: Path, limit: int | None = None) -> list[str]:
    """Lines of a text file without their ends; `TableError` where it is no text.

    `limit` reads only so many characters from the start, for a look at a large file.
    """
    size = path.stat().st_size
    if size == 0:
        raise TableError(_("%s: the file is empty") % path.name)
    if limit is None and size > MAX_BYTES:
        raise TableError(
            _("%(name)s: %(size).0f MB of text; at most %(most).0f MB are read")
            % {"name": path.name, "size": size / 1e6, "most": MAX_BYTES / 1e6}
        )
    try:
        encoding = find_encoding(path)
        with path.open(encoding=encoding, newline="") as file:
            text = file.read() if limit is None else file.read(limit)
    except (TableError, UnicodeError):
        raise TableError(_("%s: this is no text file") % path.name) from None
    start = text[:4096]
    control = sum(character < " " and character not in "\t\r\n\f\x1a" for character in start)
    if control > 0.02 * len(start):
        raise TableError(_("%s: this is no text file") % path.name)
    lines = LINE_END.split(text.removeprefix("\ufeff"))
    cut = limit is not None and len(text) == limit
    while lines and (cut or not lines[-1]):
        lines.pop()
        cut = False
    return lines


def ends_with_line(path: Path) -> bool:
    """Whether the last line has an end, as programs write it that were not cut off."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 4))
        return file.read().rstrip(b"\0 ")[-1:] in (b"\n", b"\r", b"\x1a")


SIGN = re.compile(r"^[+-]")
STARTS_NUMBER = re.compile(r"\s*[+-]?[.,]?\d")
"""What is none is a heading of the column, which says nothing of its digits."""


def looks_cut(cell: str, others: Iterable[str]) -> bool:
    """Whether a number at the edge of a file lacks digits that all of `others` have.

    >>> looks_cut("2.00000e-1", ["2.00000e-11", "2.10000e-11"]), looks_cut("9.5", ["9.25", "10.5"])
    (True, False)
    """
    shapes = [_shape(one) for one in others]
    if not shapes or not cell:
        return False
    return any(
        mine < min(theirs)
        for mine, theirs in zip(_shape(cell), zip(*shapes, strict=True), strict=True)
    )


def _shape(cell: str) -> tuple[int, int, int, int]:
    """Length without sign, whether a digit is first, digits of decimals and of the exponent."""
    text = SIGN.sub("", cell.strip())
    mantissa, _mark, exponent = text.lower().partition("e")
    whole, _mark, decimals = mantissa.replace(",", ".").partition(".")
    return len(text), int(bool(whole)), len(decimals), len(SIGN.sub("", exponent))


def refuse_cut(path: Path, cells: Sequence[Sequence[str]]) -> None:
    """`TableError` where the last line has no end and a number in it fewer digits than others."""
    if len(cells) < 2 or not path.is_file() or ends_with_line(path):
        return
    for last, *others in zip(cells[-1], *cells[-61:-1], strict=False):
        if looks_cut(last, [other for other in others if STARTS_NUMBER.match(other)]):
            raise TableError(_cut(path, last))


def refuse_cut_line(path: Path, lines: Sequence[str]) -> None:
    """The same of lines that a program pads with blanks, all to one length or to a last blank."""
    if len(lines) < 2 or ends_with_line(path):
        return
    last, others = lines[-1], lines[-61:-1]
    padded = all(line[-1:].isspace() for line in others) and not last[-1:].isspace()
    if padded or len(last) < min(map(len, others)):
        raise TableError(_cut(path, last.strip()))


def _cut(path: Path, text: str) -> str:
    said = _("%(name)s: its last line (%(text)s) is not whole: the file was cut off")
    return said % {"name": path.name, "text": text[:40]}


class BlankedStream(io.RawIOBase):
    """A text whose columns stand apart by blanks, as UTF-8 with tabs between them."""

    def __init__(self, path: Path, encoding: str) -> None:
        super().__init__()
        self._file = path.open(encoding=encoding, newline="")
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        while not self._rest:
            lines = self._file.readlines(1 << 20)
            if not lines:
                return 0
            self._rest = "".join("\t".join(line.split()) + "\n" for line in lines).encode()
        piece, self._rest = self._rest[: len(view)], self._rest[len(view) :]
        view[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        self._file.close()
        super().close()
