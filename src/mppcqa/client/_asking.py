"""The way to the server: one kept connection, waits that grow, refusals with field and fix."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, urlencode, urlsplit

import urllib3

from mppcqa.station.link import Patience

CONNECT_S, READ_S = 5.0, 60.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 10.0
AWAY = {429, 502, 503, 504, 507}
BROKEN = (urllib3.exceptions.HTTPError, OSError)


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong with a request."""

    field: str
    message: str
    row: int | None = None
    """Of the rows that were sent, from 0; the slot at a station."""


class Away(Exception):
    """The server is not reached, or could take nothing, however often it was tried."""


class Refused(Exception):
    """The server says no; the text says what to do, and `faults` name the fields.

    `problem` is what it answered, as RFC 9457 has it.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"status {status}"))
        self.status = status
        self.problem = {"status": status, **problem}
        self.faults = [
            Fault(str(one.get("field", "")), str(one.get("message", "")), one.get("row"))
            for one in problem.get("errors", ())
        ]


class BadToken(Refused):
    """The token does not count, or not any more."""


class NotThere(Refused):
    """There is no such thing, or the token's person does not see it."""


class Pool(Protocol):
    """What carries a request to the server: a pool of connections, or what stands for one."""

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None,
        headers: Mapping[str, str],
        redirect: bool,
        preload_content: bool,
    ) -> urllib3.BaseHTTPResponse:
        """The answer; its body is read already where `preload_content` says so."""
        ...


class Asking:
    """Sends requests with a token.

    What only reads is sent again while the server is away; what changes carries a key of its own,
    by which the server does it once however often it arrives, and so is sent again as well.
    """

    def __init__(
        self,
        server: str,
        token: Callable[[], str],
        *,
        tries: int,
        ca: Path | None,
        pool: Pool | None = None,
    ) -> None:
        address = _address(server)
        self.base = f"{address.scheme}://{address.netloc}{address.path.rstrip('/')}/api/v1/"
        self.token, self.tries = token, tries
        self.pool: Pool = pool or urllib3.PoolManager(
            maxsize=4,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S),
            ca_certs=None if ca is None else str(ca),
        )

    def get(self, path: str, /, **asked: Any) -> Any:
        """A document; `NotThere` where something else than one stands at that address."""
        answer = self.ask("GET", path, asked)
        try:
            return json.loads(answer.data)
        except ValueError:  # a page of another server, or a file
            text = f"{self.base}{path} answers no JSON; it is no list or thing of the API."
            raise NotThere(404, {"detail": text}) from None

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The answer to a change, which is done once."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
        data = json.dumps(body or {}).encode()
        return json.loads(self.ask("POST", path, {}, data=data, headers=headers).data or b"null")

    def ask(
        self,
        method: str,
        path: str,
        asked: Mapping[str, Any],
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> urllib3.BaseHTTPResponse:
        """An answer that is none of a refusal; `stream` leaves its body to be read."""
        given = {name: value for name, value in asked.items() if value not in (None, "", False)}
        address = self.base + path + (f"?{urlencode(given)}" if given else "")
        patience, why = Patience(FIRST_PAUSE_S, LONGEST_PAUSE_S), ""
        for left in reversed(range(self.tries)):
            after_s = None
            try:
                answer = self.pool.request(
                    method,
                    address,
                    body=data,
                    headers={**(headers or {}), "Authorization": f"Bearer {self.token()}"},
                    redirect=False,
                    preload_content=not stream,
                )
                if answer.status < 400:
                    return answer
                said = _problem(answer.read() if stream else answer.data)
                if answer.status not in AWAY:
                    raise _refused(answer.status, said)
                why = str(said.get("detail") or f"status {answer.status}")
                after = answer.headers.get("Retry-After", "")
                after_s = float(after) if after.isdecimal() else None
            except BROKEN as error:
                why = str(error)
            if left:
                time.sleep(patience.pause() if after_s is None else after_s)
        raise Away(f"{self.base} could not be asked in {self.tries} tries: {why}")


def _address(server: str) -> SplitResult:
    """`ValueError` for what is no address of a server."""
    try:
        found = urlsplit(server if "//" in server else f"https://{server}")
        whole = found.scheme in ("http", "https") and found.hostname and found.port != 0
    except ValueError:  # of brackets, or of a port
        whole = False
    if not whole:
        raise ValueError(
            f"{server!r} is no address of a server, such as https://mppcqa.example.org"
        )
    return found


def place(*parts: object) -> str:
    """A path of parts, whatever letters are in them."""
    return "/".join(quote(str(one), safe="") for one in parts)


def _problem(data: bytes) -> dict[str, Any]:
    try:
        said = json.loads(data)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _refused(status: int, said: Mapping[str, Any]) -> Refused:
    kinds = {401: BadToken, 404: NotThere}
    return kinds.get(status, Refused)(status, said)
