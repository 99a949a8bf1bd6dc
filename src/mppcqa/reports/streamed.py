"""PDF files of very many pages: what is finished is packed at once, and written object by object.

ReportLab keeps each page as text until the end, and then has the whole file in memory several
times over.
"""

from __future__ import annotations

import tempfile
import zlib
from typing import IO, Any

from reportlab.pdfbase.pdfdoc import (
    PDFCrossReferenceTable,
    PDFDictionary,
    PDFFile,
    PDFIndirectObject,
    PDFName,
    PDFStream,
    PDFTrailer,
)

from mppcqa.reports.archival import with_line_end


class Packed:
    """What finished pages draw, compressed, in a file of its own until the document is written."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  it goes with this

    def page(self, canvas: Any) -> None:
        """Take over what the page that was finished last draws."""
        page = canvas._doc.Pages.pages[-1]
        drawn = zlib.compress(page.stream.encode("latin-1"))
        page.stream = None
        page.Contents = _Drawn(self._file, self._file.tell(), len(drawn))
        self._file.write(drawn)

    def close(self) -> None:
        """Once the document is written."""
        self._file.close()


class _Drawn(PDFStream):  # type: ignore[misc]
    """A page's stream that is read when it is written."""

    def __init__(self, file: IO[bytes], start: int, size: int) -> None:
        super().__init__(PDFDictionary({"Filter": PDFName("FlateDecode")}), b"", filters=[])
        self.file, self.start, self.size = file, start, size

    def format(self, document: Any) -> bytes:
        """The object, as ReportLab writes it."""
        self.file.seek(self.start)
        self.content = self.file.read(self.size)
        made: bytes = super().format(document)
        self.content = b""
        return made


class _Target(PDFFile):  # type: ignore[misc]
    """Takes objects, knows where they are, and keeps none of them."""

    def __init__(self, version: tuple[int, int], file: IO[bytes]) -> None:
        super().__init__(version)
        begin: list[bytes] = self.strings
        file.write(b"".join(begin))
        self.strings: list[bytes] = []
        self.write = file.write


def write_out(canvas: Any) -> IO[bytes]:
    """The finished file, which goes when it is closed; the canvas can't be used any more.

    The same bytes as ReportLab writes, but for the line ends that PDF/A asks for.
    """
    document = canvas._doc
    for font in document.delayedFonts:
        font.addObjects(document)
    document.info.invariant = document.invariant
    document.info.digest(document.signature)
    document.Reference(document.Catalog)
    document.Reference(document.info)
    document.Outlines.prepare(document, canvas)
    if document.Outlines.ready < 0:
        document.Catalog.Outlines = None
    file = tempfile.TemporaryFile()  # noqa: SIM115  the caller closes it
    try:
        _write(document, _Target(document._pdfVersion, file))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _write(document: Any, target: _Target) -> None:
    names: list[str] = []
    # Objects may name further ones while they are written.
    while (number := len(names) + 1) in document.numberToId:
        name = document.numberToId[number]
        made = PDFIndirectObject(name, document.idToObject[name]).format(document)
        document.idToOffset[name] = target.add(with_line_end(made))
        document.idToObject[name] = None
        names.append(name)
    table = PDFCrossReferenceTable()
    table.addsection(0, names)
    start = target.add(table.format(document))
    trailer = PDFTrailer(
        startxref=start,
        Size=len(names) + 1,
        Root=document.Reference(document.Catalog),
        Info=document.Reference(document.info),
        ID=document.ID(),
    )
    target.add(trailer.format(document))
