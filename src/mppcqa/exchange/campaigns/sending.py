"""A file of documents sent to a campaign's database, with a report a row."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _

from mppcqa.disk import whole_file
from mppcqa.exchange.campaigns import Database, Row, SendRefused, Service, databases
from mppcqa.exchange.campaigns.base import documents
from mppcqa.exchange.faults import harmless

HEADS = ("serial", "what", "state", "identity", "why")


def find_database(key: str) -> Database:
    """The database of a key. Raises `SendRefused`, which names those that there are."""
    there = databases()
    if key not in there:
        raise SendRefused(
            _("there is no database “%(key)s”; there are: %(there)s")
            % {"key": key, "there": ", ".join(there)}
        )
    return there[key]


def rows_of(
    database: Database, path: Path, settings: Mapping[str, Any], service: Service | None
) -> Iterator[Row]:
    """What became of each item and test of a file, or, without a service, what would.

    Raises `SendRefused` for settings or a file that can't be used, before anything is sent. Where
    the service does not answer, or refuses the token, the last row is ``stopped``: the same again
    goes on.
    """
    lacking = [name for name in database.needed if not settings.get(name)]
    if lacking:
        raise SendRefused(
            _("%(title)s: the settings lack %(names)s")
            % {"title": database.title, "names": ", ".join(lacking)}
        )
    for _document in documents(path):
        pass  # the file is whole
    for document in documents(path):
        try:
            yield from database.send(document, settings, service)
        except SendRefused as error:
            yield Row(document["serial"], "", "refused", why=str(error))
        except OSError as error:
            yield Row(document["serial"], "", "stopped", why=str(error))
            return


def report(
    rows: Iterator[Row], target: Path | None, told: Callable[[Row], None] = lambda row: None
) -> Counter[str]:
    """Counts of the states; each row is written to `target` as CSV."""
    counts: Counter[str] = Counter()
    if target is None:
        for row in rows:
            counts[row.state] += 1
            told(row)
        return counts
    with whole_file(target) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADS)
        for row in rows:
            counts[row.state] += 1
            told(row)
            cells = (row.serial, row.what, row.state, row.identity, row.why)
            writer.writerow([harmless(cell) for cell in cells])
    return counts
