"""What gunicorn itself refuses, before any page or operation sees it, as problem+json.

A request that can't be read (an address that is too long, a header that is none) has no path that
one could go by, so whoever asks is told in the way of the API.
"""

from __future__ import annotations

import json
import socket

from gunicorn import util
from gunicorn.workers.gthread import ThreadWorker


def write_problem(client: socket.socket, status: int, reason: str, message: str) -> None:
    """Answer in place of gunicorn's page, as RFC 9457 says, and close."""
    told = {"type": "about:blank", "title": reason, "status": status, "detail": message or reason}
    body = json.dumps(told).encode()
    head = (
        f"HTTP/1.1 {status} {reason}\r\nConnection: close\r\n"
        f"Content-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    util.write_nonblock(client, head.encode("latin1") + body)


util.write_error = write_problem


class Worker(ThreadWorker):  # type: ignore[misc]
    """The usual one with threads; that it is of this module has gunicorn load the above."""
