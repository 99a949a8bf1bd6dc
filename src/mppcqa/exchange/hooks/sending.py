"""One try at one delivery: bytes out, an answer back, within a time that nobody stretches."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

import mppcqa
from mppcqa.exchange.hooks.addresses import AddressRefused, resolve

SECONDS = 10.0
"""From the first to the last byte; a receiver that needs longer keeps what came and answers."""
LARGEST_ANSWER = 2000


@dataclass(frozen=True)
class Answer:
    """What a receiver said."""

    status: int | None
    """None where no answer came."""
    text: str

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def post(url: str, body: str, headers: Mapping[str, str], seconds: float = SECONDS) -> Answer:
    """Send a body; whatever goes wrong is an answer. No redirect is followed."""
    with _Line(seconds) as line:
        try:
            return line.ask(url, body, headers)
        except AddressRefused as error:
            return Answer(None, str(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            if line.is_late or isinstance(error, TimeoutError):
                return Answer(None, f"no answer within {seconds:g} s")
            return Answer(None, f"{type(error).__name__}: {error}")


class _Line:
    """A connection that is cut when its time is over, whoever waits for bytes on it.

    A limit for each read alone could be drawn out by a byte at a time.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._wire: socket.socket | None = None
        self._clock = threading.Timer(seconds, self._cut)
        self._clock.daemon = True
        self.is_late = False

    def __enter__(self) -> Self:
        self._clock.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._clock.cancel()
        if self._wire is not None:
            self._wire.close()

    def _cut(self) -> None:
        self.is_late = True
        with suppress(OSError, AttributeError):
            # Of the plain socket: nothing may be said on an encrypted one meanwhile.
            socket.socket.shutdown(self._wire, socket.SHUT_RDWR)  # type: ignore[arg-type]

    def ask(self, url: str, body: str, headers: Mapping[str, str]) -> Answer:
        target = resolve(url)
        self._wire = socket.create_connection((target.number, target.port), self._seconds)
        if target.secure:
            self._wire = ssl.create_default_context().wrap_socket(
                self._wire, server_hostname=target.host, do_handshake_on_connect=False
            )
            self._wire.do_handshake()
        link = http.client.HTTPConnection(target.host, target.port)
        link.default_port = 443 if target.secure else 80  # what the header Host leaves out
        link.sock = self._wire
        link.request("POST", target.path, body.encode(), _all_headers(headers))
        with link.getresponse() as answer:
            return Answer(answer.status, _beginning(answer))


def _beginning(answer: http.client.HTTPResponse) -> str:
    """The first of what a receiver says; its status counts, however it goes on."""
    found = b""
    with suppress(OSError, http.client.HTTPException, ValueError):
        while len(found) < LARGEST_ANSWER and (piece := answer.read1(LARGEST_ANSWER)):
            found += piece
    return found[:LARGEST_ANSWER].decode("utf-8", "replace")


def _all_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": f"mppcqa/{mppcqa.__version__}",
        "Connection": "close",
        **headers,
    }
