"""The way to the server: one kept connection, time limits, and refusals as they are meant."""

from __future__ import annotations

import datetime as dt
import json
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import urllib3

CONNECT_S, READ_S = 5.0, 30.0
PIECE_BYTES = 1 << 20


def now() -> str:
    """The time here, for the server to compare."""
    return dt.datetime.fromtimestamp(time.time(), dt.UTC).isoformat()


class Away(Exception):
    """The server is not reached, or can't take anything now: try again after a while."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class Refused(Exception):
    """The server says no; the text says what to do."""

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or f"status {status}"))
        self.status = status
        self.fields = {str(one.get("field", "")) for one in problem.get("errors", ())}


class BadToken(Refused):
    """The token does not count, or not any more."""


class Link:
    """What the station's program asks of the server."""

    def __init__(self, server: str, token_file: Path, agent: str, ca: Path | None = None) -> None:
        address = urlsplit(server if "//" in server else f"http://{server}")
        self.server = f"{address.scheme}://{address.netloc}{address.path.rstrip('/')}"
        self.base = f"{self.server}/api/v1/station"
        self.token_file, self.agent = token_file, agent
        self.pool = urllib3.PoolManager(
            maxsize=2,
            retries=False,
            timeout=urllib3.Timeout(connect=CONNECT_S, read=READ_S),
            ca_certs=None if ca is None else str(ca),
        )

    def token(self) -> str:
        """Read anew each time: a new one may have been put there."""
        try:
            return self.token_file.read_text().strip()
        except OSError as error:
            raise Away(f"the token in {self.token_file} can't be read: {error.strerror}") from None

    def post(self, path: str, **more: Any) -> dict[str, Any]:
        """POST a document; what the server answers."""
        body = json.dumps({"agent": self.agent, "now": now(), **more}).encode()
        return self._ask("POST", path, body, {"Content-Type": "application/json"})

    def file_size(self, place: str) -> int:
        """How much of a run file is there."""
        return int(self._ask("GET", f"{place}/file?agent={self.agent}", None, {})["size"])

    def piece(self, place: str, offset: int, data: bytes, sha256: str) -> int:
        """Bring a piece of a run file; how much is there now."""
        headers = {"Content-Type": "application/octet-stream", "X-Piece-SHA256": sha256}
        path = f"{place}/file?agent={self.agent}&offset={offset}"
        return int(self._ask("PUT", path, data, headers)["size"])

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> dict[str, Any]:
        headers["Authorization"] = f"Bearer {self.token()}"
        try:
            answer = self.pool.request(
                method, f"{self.base}/{path}", body=body, headers=headers, redirect=False
            )
        except urllib3.exceptions.HTTPError as error:
            raise Away(f"{self.server} is not reached: {_in_words(error)}") from None
        try:
            said = json.loads(answer.data)
        except ValueError:
            said = None
        if answer.status == 200 and isinstance(said, dict):
            return said
        return self._refuse(answer.status, said, answer.headers.get("Retry-After", ""))

    def _refuse(self, status: int, said: Any, after: str) -> dict[str, Any]:
        if not isinstance(said, dict):
            # Something between us and the server answers, or it is none of ours.
            raise Away(
                f"{self.server} answers with status {status}, which is no answer of mppcqa: is it "
                "the address of its pages, and what stands between?"
            )
        if status == 401:
            raise BadToken(status, said)
        if status == 429 or status >= 500:
            wait_s = float(after) if after.isdecimal() else None
            raise Away(str(said.get("detail", status)), wait_s)
        raise Refused(status, said)


def _in_words(error: urllib3.exceptions.HTTPError) -> str:
    """Why nothing came back, and what to look at; of what is not known, its own words."""
    if isinstance(error, urllib3.exceptions.NameResolutionError):
        return "no computer of that name is known here. Is the address right?"
    if isinstance(error, urllib3.exceptions.NewConnectionError):
        if isinstance(error.__cause__, ConnectionRefusedError):
            return "nothing listens there. Does the server run, on that port, for other computers?"
        return f"{error.__cause__ or error}. Is there a way to it from this computer?"
    if isinstance(error, urllib3.exceptions.ConnectTimeoutError):
        return f"no answer within {CONNECT_S:.0f} s. Does a firewall close that port?"
    if isinstance(error, urllib3.exceptions.SSLError):
        text = f"its certificate or TLS is not as it should be ({error})."
        return f"{text} A laboratory's own certificates are named with --ca; http has none"
    return str(error)


class Patience:
    """Pauses that grow while something goes on, and are not the same for all stations."""

    def __init__(self, first_s: float, longest_s: float) -> None:
        self.first_s, self.longest_s, self.next_s = first_s, longest_s, first_s

    def pause(self) -> float:
        """How long to wait this time."""
        wait_s = self.next_s
        self.next_s = min(2 * wait_s, self.longest_s)
        return wait_s * random.uniform(0.75, 1.25)  # noqa: S311

    def over(self) -> None:
        """It goes well again."""
        self.next_s = self.first_s
