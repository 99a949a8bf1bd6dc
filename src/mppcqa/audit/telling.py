"""Tells the database who writes, before the first row of an action and never for a reader.

MariaDB's triggers read a variable of the session, ``@mppcqa_source``. SQLite has none, so its
triggers read what a connection alone can set and any program's connection has: ``analysis_limit``
(0 elsewhere; only ANALYZE heeds it). It carries the number of a row in `audit_writer`, written in
the same transaction as what it is about. A connection that was told nothing is another program's,
and its changes are entered without a source.

A statement that reads costs the look at its first letter.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mppcqa.audit.source import current

WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD DATA")
ENDS = ("BEGIN", "ROLLBACK")
FRESH_S = 3600.0
"""A row of `audit_writer` that is older is written anew; the sealer removes those of two days."""
KEPT_S = 2 * 86_400
_KEY = os.urandom(16)


def listen(*, connection: Any, **_named: Any) -> None:
    """Of each new connection to the database."""
    hooks = connection.execute_wrappers
    hooks[:] = [one for one in hooks if not isinstance(one, Teller)]
    hooks.insert(0, Teller(connection))


def forget() -> None:
    """What connections of this thread believe of their database holds no more."""
    from django.db import connections

    for connection in connections.all(initialized_only=True):
        for hook in connection.execute_wrappers:
            if isinstance(hook, Teller):
                hook.told = hook.made = None
                hook.absent = False


@dataclass(frozen=True)
class _Made:
    """A row of `audit_writer` that is there, as far as this connection knows."""

    number: int
    within: bool
    """In a transaction, with whose end it may go."""
    at: float


class Teller:
    """The hook of one connection, around each statement."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.told: str | None = None
        self.made: _Made | None = None
        self.absent = False
        """SQLite: the tables of the audit are not made yet."""

    def __call__(
        self, execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any
    ) -> Any:
        if sql[:1] in "SsWw" and sql[:1]:
            return execute(sql, params, many, context)
        head = str(sql[:40]).lstrip().upper()
        if head.startswith(WRITES):
            self._tell()
        elif head.startswith(ENDS) and self.made is not None and self.made.within:
            # What was written of the writer may have gone with what was undone.
            self.made = None
        return execute(sql, params, many, context)

    def _tell(self) -> None:
        text = current().text()
        if self.connection.vendor == "mysql":
            if text != self.told:
                with self.connection.wrap_database_errors:
                    cursor = self.connection.connection.cursor()
                    try:
                        cursor.execute("SET @mppcqa_source = %s", (text,))
                    finally:
                        cursor.close()
                self.told = text
        elif not self.absent:
            self._tell_sqlite(text)

    def _tell_sqlite(self, text: str) -> None:
        number = number_of(text)
        made = self.made
        within = self.connection.in_atomic_block
        now = time.time()
        if (
            text == self.told
            and made is not None
            and made.number == number
            and (within or not made.within)
            and now - made.at < FRESH_S
        ):
            return
        raw = self.connection.connection
        try:
            with self.connection.wrap_database_errors:
                raw.execute(
                    "INSERT INTO audit_writer (id, text, at) VALUES (?, ?, ?) ON CONFLICT (id) "
                    "DO UPDATE SET text = excluded.text, at = excluded.at",
                    (number, text, int(now)),
                )
                raw.execute(f"PRAGMA analysis_limit = {number}")
        except Exception as error:
            if not _no_table(error):
                raise
            self.absent = True
            return
        self.told, self.made = text, _Made(number, within, now)


def number_of(text: str) -> int:
    """A number of 31 bits, never 0, that nobody can foresee: two texts must not have one."""
    digest = hashlib.blake2b(text.encode(), digest_size=4, key=_KEY).digest()
    return int.from_bytes(digest, "big") & 0x7FFFFFFF or 1


def _no_table(error: Exception) -> bool:
    cause = error.__cause__ or error
    return isinstance(cause, sqlite3.OperationalError) and "no such table" in str(cause)
