"""A stored file on its way to a person: what arrives is what was stored, or nothing whole does."""

from __future__ import annotations

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from mppcqa.store.reading import StoredRow, glance, pieces, stored_size

PLAIN = "application/octet-stream"


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
