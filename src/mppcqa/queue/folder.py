"""Celery's filesystem transport, with messages and tables that are never seen half written.

Kombu's own opens a file under its final name and fills it afterwards. A worker that looks in
between takes an empty message, and its consumer ends with an error that nothing catches. Here a
file gets its name when it is whole, and one that is no message is set aside and said.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import Empty
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem, virtual
from kombu.transport.filesystem import exchange_queue_t

logger = logging.getLogger(__name__)


class Channel(filesystem.Channel):
    """A channel whose files appear and vanish in one step."""

    # Kombu's two classes above this one do not agree about the second name.
    def _put(  # type: ignore[override]
        self, queue: str, payload: Any, **_: Any
    ) -> None:
        # Sorted by name, so that the first to come is the first to go.
        name = f"{time.monotonic_ns():020d}_{uuid.uuid4()}.{queue}.msg"
        _write_whole(Path(self.data_folder_out) / name, payload)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        del timeout
        folder = Path(self.data_folder_in)
        for name in sorted(entry.name for entry in os.scandir(folder)):
            if name.partition(".")[2] != f"{queue}.msg":
                continue
            taken = folder / f".{name}.{os.getpid()}"
            try:
                # Exactly one of those who want it succeeds.
                (folder / name).rename(taken)
            except FileNotFoundError:
                continue
            try:
                payload = json.loads(taken.read_bytes())
            except ValueError:
                taken.rename(folder / f"{name}.unreadable")
                logger.error("%s is no message; it is kept as %s.unreadable", name, name)
                continue
            taken.unlink()
            return payload
        raise Empty

    def get_table(self, exchange: str) -> list[Any]:
        return _read_table(self._exchange_file(exchange))  # type: ignore[no-untyped-call]

    def _queue_bind(self, exchange: str, routing_key: str, pattern: str, queue: str) -> None:
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")

        def add(rows: list[Any]) -> list[Any]:
            return rows if bound in rows else [bound, *rows]

        self._change_table(exchange, add)

    def _delete(
        self, queue: str, exchange: str, routing_key: str, pattern: str, *args: Any, **more: Any
    ) -> None:
        # Not the parent's, which would change the table in its own way.
        virtual.Channel._delete(  # type: ignore[no-untyped-call]
            self, queue, exchange, routing_key, pattern, *args, **more
        )
        bound = exchange_queue_t(routing_key or "", pattern or "", queue or "")
        self._change_table(exchange, lambda rows: [row for row in rows if row != bound])

    def _change_table(self, exchange: str, change: Callable[[list[Any]], list[Any]]) -> None:
        path = self._exchange_file(exchange)  # type: ignore[no-untyped-call]
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f"{path.name}.lock")):
            rows = _read_table(path)
            changed = change(rows)
            if changed != rows or not path.exists():
                _write_whole(path, changed)


class Transport(filesystem.Transport):
    """Kombu's transport with the channel above."""

    Channel = Channel

    longest_wait_s: float | None = None
    """A worker sets it: Celery's loop waits for two seconds before it sees that it shall end."""

    def drain_events(  # type: ignore[override]
        self, connection: Any, timeout: float | None = None
    ) -> None:
        """One message, or `TimeoutError`."""
        waits = [each for each in (timeout, self.longest_wait_s) if each is not None]
        super().drain_events(  # type: ignore[no-untyped-call]
            connection, timeout=min(waits, default=None)
        )


def use_for_filesystem() -> None:
    """Let addresses that begin with ``filesystem://`` mean this transport."""
    TRANSPORT_ALIASES["filesystem"] = f"{__name__}:Transport"


def _read_table(path: Path) -> list[Any]:
    try:
        return [exchange_queue_t(*row) for row in json.loads(path.read_bytes())]
    except FileNotFoundError:
        return []


def _write_whole(path: Path, content: Any) -> None:
    # A leading dot: no name of a message begins so.
    unnamed = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        unnamed.write_bytes(json.dumps(content).encode())
        unnamed.replace(path)
    except BaseException:
        # A full disk must not fill further with pieces.
        with suppress(OSError):
            unnamed.unlink()
        raise


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
