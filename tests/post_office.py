"""A mail server that keeps what it is sent: the least of RFC 5321 that a client needs."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class PostOffice:
    """Mails in the order in which they came, while it is open."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        office = self

        class Counter(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 ready\r\n")
                while line := self.rfile.readline().strip():
                    if line.upper() == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        office.mails.append(self._mail())
                    self.wfile.write(b"221 bye\r\n" if line.upper() == b"QUIT" else b"250 ok\r\n")

            def _mail(self) -> Any:
                lines = []
                while (line := self.rfile.readline()) != b".\r\n":
                    lines.append(line)
                return message_from_bytes(b"".join(lines), policy=policy.default)

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Counter)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def told(self) -> list[tuple[str, str]]:
        """To whom each went, and what it says with its subject."""
        return [(one["To"], f"{one['Subject']}\n{one.get_content()}") for one in self.mails]


@contextmanager
def post_office(settings: Any) -> Iterator[PostOffice]:
    """An open one, to which the program's mail goes."""
    office = PostOffice()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", office.port
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
    try:
        yield office
    finally:
        office.server.shutdown()
        office.server.server_close()
