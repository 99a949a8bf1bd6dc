"""A stored file on its way to a person: what arrives is what was stored, or nothing whole does."""

from __future__ import annotations

import re
from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from mppcqa.store.reading import StoredRow, glance, pieces, stored_size

PLAIN = "application/octet-stream"
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
PIECE = 1 << 20


def stored_range(row: StoredRow, name: str, asked: str) -> StreamingHttpResponse:
    """A part of a stored file, as the header `Range` asks for; all of it where it asks for none.

    A part can't be held against the checksum of the whole: who joins parts does that. Several
    ranges at once, which a server may leave alone, give the whole file. 416 behind the end.
    """
    found = RANGE.fullmatch(asked.replace(" ", ""))
    if found is None or found.groups() == ("", ""):
        whole = stored_file(row, name)
        whole.headers["Accept-Ranges"] = "bytes"
        return whole
    if fault := glance(row):
        raise fault
    size = stored_size(row)
    first, last = found.groups()
    start = max(0, size - int(last)) if not first else int(first)
    end = min(size - 1, int(last)) if first and last else size - 1
    if start > end:
        response = StreamingHttpResponse((), status=416, content_type=PLAIN)
        response.headers["Content-Range"] = f"bytes */{size}"
        return response
    response = StreamingHttpResponse(_between(row, start, end + 1), status=206, content_type=PLAIN)
    response.headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    response.headers["Content-Length"] = str(end + 1 - start)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    return response


def _between(row: StoredRow, start: int, end: int) -> Iterator[bytes]:
    with row.file.open("rb") as file:
        file.seek(start)
        while start < end and (piece := file.read(min(PIECE, end - start))):
            start += len(piece)
            yield piece


def stored_file(row: StoredRow, name: str, content_type: str = PLAIN) -> StreamingHttpResponse:
    """A stored file as a download; `FileFault` where it is known to be missing or damaged.

    One that takes long to read is held against its checksum while it goes out. Where it turns out
    to be damaged, the connection ends before the last piece, which every browser tells as a
    download that failed; the page that leads here says why from then on.
    """
    if fault := glance(row):
        raise fault
    response = StreamingHttpResponse(pieces(row), content_type=content_type)
    response.headers["Content-Length"] = str(stored_size(row))
    response.headers["Content-Disposition"] = content_disposition_header(True, name)
    return response
