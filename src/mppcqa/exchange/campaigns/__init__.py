"""Databases that other campaigns must feed: documents a device, sent with a report a row.

A list of values (or devices) is written as a file of documents, a line each, by a writer of
`mppcqa.exchange.writers`: that file is what can be looked at, kept and sent. A database is a
module here with a `DATABASE`, or an entry point of the group ``mppcqa.campaigns``.
"""

from __future__ import annotations

from functools import cache

from mppcqa.exchange.campaigns import dune, itk
from mppcqa.exchange.campaigns.base import Database, Row, SendRefused, Service
from mppcqa.plugins import gather, instance_of

GROUP = "mppcqa.campaigns"


@cache
def databases() -> dict[str, Database]:
    """All databases by key."""
    found = [dune.DATABASE, itk.DATABASE]
    found += gather(GROUP, instance_of(Database), [one.key for one in found])
    return {one.key: one for one in found}


__all__ = ["Database", "Row", "SendRefused", "Service", "databases"]
