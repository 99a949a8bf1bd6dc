"""What a campaign's database is, and how it is talked to."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from django.utils.translation import gettext as _

from mppcqa.refused import Refused

Json = dict[str, Any]
TIMEOUT_S = 60
LARGEST_ANSWER = 16 << 20


class SendRefused(Refused):
    """A row that the database did not take, or settings that lack something; says why."""


@dataclass(frozen=True)
class Row:
    """What became of one item or test.

    state
        ``new``, ``there`` already, ``sent``, ``refused``, or ``stopped`` where no answer came.
    """

    serial: str
    what: str
    state: str
    identity: str = ""
    """What the database calls it."""
    why: str = ""


@dataclass(frozen=True)
class Database:
    """A campaign's database."""

    key: str
    title: str
    needed: tuple[str, ...]
    """Settings without which nothing can be sent: what the campaign calls its parts."""
    send: Callable[[Json, Mapping[str, Any], Service | None], Iterator[Row]]
    """Sends one document by settings; without a service it says what would be sent."""


class Service:
    """JSON over HTTP with a token. Its own messages become `SendRefused`."""

    def __init__(self, address: str, token: str) -> None:
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SendRefused(_("%s is no address of a service (https://…)") % address)
        self._parts, self._token = parts, token

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        return self._ask("GET", path + (f"?{urlencode(query)}" if query else ""), None)

    def post(self, path: str, document: Json) -> Any:
        return self._ask("POST", path, document)

    def _ask(self, method: str, path: str, document: Json | None) -> Any:
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        link = kind(str(self._parts.hostname), self._parts.port, timeout=TIMEOUT_S)
        heads = {"Accept": "application/json", "Authorization": f"Bearer {self._token}"}
        body = None
        if document is not None:
            heads["Content-Type"] = "application/json"
            body = json.dumps(document).encode()
        try:
            link.request(method, self._parts.path.rstrip("/") + path, body, heads)
            answer = link.getresponse()
            text = answer.read(LARGEST_ANSWER).decode("utf-8", "replace")
            status = answer.status
        except (OSError, http.client.HTTPException) as error:
            host = self._parts.hostname
            raise ConnectionError(
                _("%(host)s does not answer: %(text)s") % {"host": host, "text": str(error)[:200]}
            ) from None
        finally:
            link.close()
        try:
            found = json.loads(text) if text else {}
        except ValueError:
            found = {"message": text[:200]}
        if status == 401 or status == 403:
            raise PermissionError(_("the token is not accepted (%d)") % status)
        if status >= 400:
            raise SendRefused(f"{status}: {_message(found)}")
        return found


def _message(found: Any) -> str:
    """What a service says of a refusal, in whatever place."""
    if isinstance(found, dict):
        for key in ("message", "errors", "error", "uuAppErrorMap", "data", "detail"):
            if found.get(key):
                said = found[key]
                return (said if isinstance(said, str) else json.dumps(said))[:300]
    return str(found)[:300]


def part_of(text: str) -> str:
    """A name as a part of an address."""
    return quote(text, safe="")


def documents(path: Path) -> Iterator[Json]:
    """The documents of a file, a line each. Raises `SendRefused` naming the line."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                found = json.loads(line)
                if not isinstance(found, dict) or not isinstance(found.get("serial"), str):
                    raise ValueError("no serial number")
            except ValueError as error:
                raise SendRefused(
                    _("%(name)s: line %(line)d is no document of a device (%(text)s)")
                    % {"name": path.name, "line": number, "text": error}
                ) from None
            yield found
