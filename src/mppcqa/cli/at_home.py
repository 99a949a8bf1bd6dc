"""The API of this home, asked within the process: no server runs for it and no token is made.

A command that works here as it does on a server must not know more than the API. So both go the
same way, through `mppcqa.client`; here its requests are carried to the operations themselves, for
a person of this home, with the person's rights and view, and the audit names this
person and whose terminal it was.
"""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

import click
import urllib3

from mppcqa.cli import setup_django

ADDRESS = "https://localhost"
"""Of requests that leave no process; the name is one that every home answers to."""


def client_at_home(name: str) -> Any:
    """A client of this home for the person `name`; empty for whom the log-in or the role tells."""
    setup_django()
    from mppcqa.client import Client

    return Client(ADDRESS, "at home", pool=Home(_person(name)))


class Home:
    """Stands for a pool of connections."""

    def __init__(self, person: Any) -> None:
        import datetime as dt

        from django.conf import settings
        from django.core.handlers.wsgi import WSGIHandler

        from mppcqa.people.models import PersonToken

        ends_at = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        self.token = PersonToken(user=person, writes=True, ends_at=ends_at)  # never a row
        usual = settings.MIDDLEWARE
        # No command asks for a page's own files; looking through them all costs its start.
        settings.MIDDLEWARE = [one for one in usual if not one.endswith(".Statics")]
        try:
            self.application = WSGIHandler()
        finally:
            settings.MIDDLEWARE = usual

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
        """What the operation answers; its body is made while it is read."""
        from mppcqa.api.asking import AT_HOME
        from mppcqa.audit.source import TERMINAL, log_in

        address, data = urlsplit(url), body or b""
        environment: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(address.path).decode("latin-1"),
            "QUERY_STRING": address.query,
            "SERVER_NAME": address.hostname,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": str(len(data)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": address.scheme,
            "wsgi.input": io.BytesIO(data),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": True,
            AT_HOME: self.token,
            TERMINAL: log_in(),
        }
        for key, value in headers.items():
            if key == "Content-Type":
                environment["CONTENT_TYPE"] = value
            elif key not in ("Authorization", "Idempotency-Key"):  # nothing is lost on this way
                environment["HTTP_" + key.upper().replace("-", "_")] = value
        said: list[Any] = []

        def begin(status: str, more: list[tuple[str, str]], _fault: Any = None) -> Any:
            said[:] = int(status[:3]), more

        with _quiet():
            answer = self.application(environment, begin)
        status, more = said
        return urllib3.HTTPResponse(
            body=io.BufferedReader(_Body(answer)),
            headers=urllib3.HTTPHeaderDict(more),
            status=status,
            preload_content=preload_content,
            request_method=method,
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """A refusal is the command's to tell, not a log's; what broke is still logged."""
    logger = logging.getLogger("django.request")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


class _Body(io.RawIOBase):
    """The pieces of an answer as a file."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self.answer, self.pieces, self.left = answer, iter(answer), b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self.left:
            piece = next(self.pieces, None)
            if piece is None:
                return 0
            self.left = piece
        taken = self.left[: len(buffer)]
        buffer[: len(taken)] = taken
        self.left = self.left[len(taken) :]
        return len(taken)

    def close(self) -> None:
        if not self.closed and hasattr(self.answer, "close"):
            self.answer.close()  # the end of the request, for Django
        super().close()


def _person(name: str) -> Any:
    """Whose rights a command has: the one named, of the log-in's name, or the administrator."""
    from django.contrib.auth.models import User

    from mppcqa.audit.source import log_in

    rows = User.objects.filter(is_active=True).select_related("person").order_by("username")
    if name:
        found = rows.filter(username=name).first()
        if found is None:
            raise click.ClickException(
                f"nobody who may log in is called {name!r}; see mppcqa user list"
            )
        return found
    if found := rows.filter(username=log_in()).first():
        return found
    administrators = list(_administrators(rows))
    if len(administrators) == 1:
        return administrators[0]
    if not administrators:
        raise click.ClickException(
            "nobody has an account here yet; make one: mppcqa user add NAME --role administrator"
        )
    names = ", ".join(one.get_username() for one in administrators)
    raise click.ClickException(f"say for whom, with --as NAME; administrators are: {names}")


def _administrators(rows: Any) -> Iterator[Any]:
    from mppcqa.people.roles import role_of

    for one in rows.prefetch_related("groups"):
        role = role_of(one)
        if one.is_superuser or (role is not None and role.key == "administrator"):
            yield one
