"""Files that come with the program, and pages: as few bytes as they can be.

A file is compressed when it is first asked for, and kept so in ``compressed`` in ``MPPCQA_HOME`` by
what it holds: there is no step between an update and the pages, and none that can be forgotten. Its
address has a part that changes with what it holds, so that a browser may keep it for good.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.text import compress_string
from whitenoise.middleware import WhiteNoiseMiddleware
from whitenoise.responders import StaticFile

from mppcqa.disk import whole_file

COMPRESSED = (".css", ".js", ".svg", ".wasm", ".json")
LEAST = 1000
"""Bytes that are worth it."""
FOR_GOOD = "max-age=31536000, public, immutable"
RANDOM = 100
"""Bytes that a page's length is changed by: it must not tell what stands in it (BREACH)."""


@lru_cache
def mark_of(name: str) -> str:
    """What tells this version of a file from others; empty where there is no such file."""
    path = finders.find(name)
    if not isinstance(path, str):
        return ""
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()[:10]


class Statics(WhiteNoiseMiddleware):  # type: ignore[misc]
    """Serves files compressed, for good where the address says their version; compresses pages."""

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        self._looked_at: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        address = request.path_info
        if address in self.files and address not in self._looked_at and not self.autorefresh:
            self._looked_at.add(address)
            if address.endswith(COMPRESSED):
                self.files[address] = self._compressed(self.files[address])
        return compressed_page(request, super().__call__(request))

    @staticmethod
    def serve(static_file: Any, request: HttpRequest) -> HttpResponseBase:
        """As WhiteNoise does; what was asked for by its version never changes."""
        response: HttpResponseBase = WhiteNoiseMiddleware.serve(static_file, request)
        if request.META.get("QUERY_STRING") and "Cache-Control" in response.headers:
            response.headers["Cache-Control"] = FOR_GOOD
        return response

    def _compressed(self, plain: Any) -> Any:
        """The file with its compressed self beside it; as it was where that can't be written."""
        path = Path(plain.alternatives[-1][1])
        content = path.read_bytes()
        if len(content) < LEAST:
            return plain
        kept = settings.MPPCQA_HOME / "compressed" / f"{hashlib.sha256(content).hexdigest()}.gz"
        try:
            if not kept.exists():
                kept.parent.mkdir(exist_ok=True)
                with whole_file(kept) as part:
                    part.write_bytes(gzip.compress(content, 9, mtime=0))
        except OSError:
            return plain
        known = dict(plain.alternatives[-1][2])
        for name in ("Content-Length", "Last-Modified", "ETag", "Vary"):
            known.pop(name, None)
        return StaticFile(str(path), list(known.items()), encodings={"gzip": str(kept)})


def compressed_page(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """A page in fewer bytes, for a browser that reads them; what streams stays as it is."""
    if not isinstance(response, HttpResponse) or response.has_header("Content-Encoding"):
        return response
    if not response.headers.get("Content-Type", "").startswith("text/html"):
        return response
    patch_vary_headers(response, ("Accept-Encoding",))
    if "gzip" not in request.headers.get("Accept-Encoding", "") or len(response.content) < LEAST:
        return response
    response.content = compress_string(response.content, max_random_bytes=RANDOM)
    response.headers["Content-Length"] = str(len(response.content))
    response.headers["Content-Encoding"] = "gzip"
    if (tag := response.headers.get("ETag", "")) and not tag.startswith("W/"):
        response.headers["ETag"] = f"W/{tag}"
    return response
