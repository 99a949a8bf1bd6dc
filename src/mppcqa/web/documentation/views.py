"""The built documentation at ``/docs/``: files as they are, and no request to another host."""

from __future__ import annotations

import base64
import hashlib
import mimetypes
import re
from functools import lru_cache
from pathlib import Path

from django.contrib.auth.decorators import login_not_required
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseNotModified,
)
from django.shortcuts import redirect
from django.utils.http import http_date
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe
from django.views.static import was_modified_since

from mppcqa.home import CHECKOUT

INSTALLED = Path(__file__).with_name("site")
BUILT = CHECKOUT / "build" / "docs"
SPANISH = "es"
INLINE = re.compile(rb"<script>(.*?)</script>", re.S)
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'%s",
        "worker-src 'self' blob:",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
)


def site() -> Path | None:
    """Folder of the built pages; None in a checkout where nobody has built them."""
    return next((place for place in (INSTALLED, BUILT) if (place / "index.html").is_file()), None)


@require_safe
@login_not_required
def documentation(request: HttpRequest) -> HttpResponseBase:
    """The first page; for who reads Spanish, of the Spanish ones."""
    folder = site()
    reads = (get_language() or "").partition("-")[0]
    spanish = folder and (folder / SPANISH / "index.html").is_file()
    # Who comes from a Spanish page to the English ones asks for these: `?en`.
    if spanish and reads == SPANISH and "en" not in request.GET:
        return redirect("documentation_page", place=f"{SPANISH}/")
    return _file(request, "")


@require_safe
@login_not_required
def documentation_page(request: HttpRequest, place: str) -> HttpResponseBase:
    """A page or file below it. It tells nothing of an installation, so anybody may read it."""
    return _file(request, place)


def _within(folder: Path, place: str) -> Path | None:
    """The file of an address; None where there is none, or it lies elsewhere."""
    try:
        path = (folder / place).resolve()
        if path.is_dir():
            path /= "index.html"
        return path if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, ValueError):
        return None  # a name that no file system takes


@lru_cache(maxsize=500)
def _scripts(path: Path, _changed: float) -> str:
    """What the theme writes into a page are small scripts: named by their sums, none else runs."""
    found = {hashlib.sha256(one).digest() for one in INLINE.findall(path.read_bytes())}
    return "".join(f" 'sha256-{base64.b64encode(one).decode()}'" for one in sorted(found))


def _file(request: HttpRequest, place: str) -> HttpResponseBase:
    folder = site()
    if folder is None:
        raise Http404(_("The documentation was not built here: make docs."))
    path = _within(folder, place)
    if path is None:
        raise Http404(_("There is no such page of the documentation."))
    if path.name == "index.html" and place and not place.endswith(("/", "index.html")):
        return redirect("documentation_page", place=f"{place}/")
    changed = path.stat().st_mtime
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    answer: HttpResponseBase
    if was_modified_since(request.headers.get("If-Modified-Since"), changed):
        answer = FileResponse(path.open("rb"), content_type=kind)
        answer.headers["Last-Modified"] = http_date(changed)
    else:
        # A browser gives the page that it has kept the headers of this answer.
        answer = HttpResponseNotModified()
    scripts = _scripts(path, changed) if kind == "text/html" else ""
    answer.headers["Content-Security-Policy"] = POLICY % scripts
    return answer
