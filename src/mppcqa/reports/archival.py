"""What lets a PDF be read in fifty years: PDF/A-2b, as far as ReportLab goes.

ISO 19005-2 asks for embedded fonts, a colour profile, metadata in XMP and nothing that leads
outside the file. Fonts are embedded by the lettering; this adds the rest. Not done, as ReportLab
can't: tags for the structure of the text (level A).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from PIL import ImageCms
from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFStream, PDFString

PRODUCER = "mppcqa"
# Of the International Color Consortium's header: when the profile was made. The same bytes always.
_MADE = slice(24, 36)
_THEN = bytes((0x07, 0xE8, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0))


@dataclass(frozen=True)
class About:
    """What a document says of itself."""

    title: str
    subject: str
    language: str
    as_of: dt.datetime | None
    """When the newest thing in it happened, never when it was printed."""
    version: str

    @property
    def creator(self) -> str:
        """The program."""
        return f"{PRODUCER} {self.version}"

    @property
    def moment(self) -> dt.datetime:
        """In UTC; that of no moment is the first second of this century."""
        when = self.as_of or dt.datetime(2001, 1, 1, tzinfo=dt.UTC)
        return when.astimezone(dt.UTC).replace(microsecond=0)


def describe(canvas: Any, about: About) -> None:
    """Write it into a canvas, at any time before it is saved."""
    canvas.setTitle(about.title)
    canvas.setAuthor(PRODUCER)
    canvas.setSubject(about.subject)
    canvas.setCreator(about.creator)
    canvas.setProducer("ReportLab")
    moment = about.moment
    canvas.setDateFormatter(lambda *_now: moment.strftime("D:%Y%m%d%H%M%S+00'00'"))
    document = canvas._doc
    metadata = _stream(_xmp(about), {"Type": PDFName("Metadata"), "Subtype": PDFName("XML")})
    profile = _stream(_srgb(), {"N": 3})
    intent = PDFDictionary(
        {
            "Type": PDFName("OutputIntent"),
            "S": PDFName("GTS_PDFA1"),
            "OutputConditionIdentifier": PDFString("sRGB IEC61966-2.1"),
            "Info": PDFString("sRGB IEC61966-2.1"),
            "DestOutputProfile": document.Reference(profile, "colours"),
        }
    )
    canvas.setViewerPreference("DisplayDocTitle", "true")
    catalog = document.Catalog
    catalog.Metadata, catalog.Lang = metadata, PDFString(about.language)
    catalog.OutputIntents = PDFArray([intent])
    # ReportLab writes the entries that it knows of; this is one more.
    catalog.__NoDefault__ = [*catalog.__NoDefault__, "OutputIntents"]


def _stream(content: bytes, entries: dict[str, Any]) -> PDFStream:
    """A stream as it is: archives read the metadata without unpacking it."""
    return PDFStream(PDFDictionary(entries), content, filters=[])


def with_line_end(made: bytes) -> bytes:
    """An object of a file with a line end before its ``endstream``, if it has one."""
    head, tail, rest = made.rpartition(b"endstream\nendobj\n")
    return head + b"\n" + tail if tail and not rest else made


def with_line_ends(data: bytes) -> bytes:
    """The file with a line end before each ``endstream``, which the standard asks for.

    Objects lie where the table at the end of the file says; that table is written anew.
    """
    start = int(data[data.rindex(b"startxref") :].split()[1])
    lines = data[start:].split(b"\n")
    number = int(lines[1].split()[1])
    rows = lines[2 : 2 + number]
    places = [int(row[:10]) for row in rows[1:]]
    ends = [*places[1:], start]
    # ReportLab writes objects in the order of their numbers.
    made, table = bytearray(data[: places[0]]), [rows[0]]
    for place, end in zip(places, ends, strict=True):
        table.append(b"%010d 00000 n " % len(made))
        made += with_line_end(data[place:end])
    at = len(made)
    trailer = b"\n".join(lines[2 + number :]).replace(
        b"startxref\n%d" % start, b"startxref\n%d" % at
    )
    return bytes(made) + b"\n".join([*lines[:2], *table, trailer])


@cache
def _srgb() -> bytes:
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    whole = bytearray(made)
    whole[_MADE] = _THEN
    return bytes(whole)


def _xmp(about: About) -> bytes:
    when = about.moment.strftime("%Y-%m-%dT%H:%M:%S+00:00")
    title, subject = escape(about.title), escape(about.subject)
    text = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{PRODUCER}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:language><rdf:Bag><rdf:li>{escape(about.language)}</rdf:li></rdf:Bag></dc:language>
<xmp:CreatorTool>{escape(about.creator)}</xmp:CreatorTool>
<xmp:CreateDate>{when}</xmp:CreateDate>
<xmp:ModifyDate>{when}</xmp:ModifyDate>
<pdf:Producer>ReportLab</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""
    return text.encode()
