"""``mppcqa register``: devices, by their serials or a table with the API's names."""

from __future__ import annotations

import csv
import io
import json
from typing import Any, TextIO

import click

from mppcqa.cli.asking import Asked, asks, pairs, together
from mppcqa.cli.tables import echo

MOST_ROWS = 5000
"""Of one request, which is done as a whole."""


@click.command()
@click.argument("serials", nargs=-1)
@click.option("--type", "kind", default="", help="Their device type.")
@click.option("--lot", default="", help="Their lot; made where it is not there.")
@click.option("--set", "more", multiple=True, callback=pairs, help="NAME=VALUE: any other field.")
@click.option(
    "--file", type=click.File(encoding="utf-8-sig"), help="More: CSV or JSON; - is the input."
)
@click.option(
    "--existing",
    type=click.Choice(["refuse", "skip", "update"]),
    default="refuse",
    show_default=True,
    help="What becomes of those that are registered.",
)
@asks
def register(
    asked: Asked,
    serials: tuple[str, ...],
    kind: str,
    lot: str,
    more: dict[str, str],
    file: TextIO | None,
    existing: Any,
) -> None:
    """Register devices: SERIALS, or the rows of a file whose headings are names of fields.

    All are done or none, 5000 at most. Larger tables, or with other headings: mppcqa import table.
    """
    if "serial" in more:
        raise click.UsageError("a serial is of one device: name SERIALS")
    same = together({"device_type": kind, "lot": lot}, more)
    rows = [{**same, "serial": one} for one in serials]
    if file is not None:
        rows += [{**same, **row} for row in _rows(file, existing)]
    if not rows:
        raise click.UsageError("name SERIALS, or a --file with them")
    if len(rows) > MOST_ROWS:
        raise click.UsageError(
            f"{len(rows)} rows: at most {MOST_ROWS} are done at once, all or none, and none was. "
            "Larger tables: mppcqa import table FILE; or register parts of it one after the other"
        )
    asked.counts = "row", 1
    done = asked.client.register(rows, existing)
    counts: dict[str, int] = {}
    for one in done:
        counts[one["done"]] = counts.get(one["done"], 0) + 1
    asked.tell(done, ", ".join(f"{number} {what}" for what, number in counts.items()))


def _rows(file: TextIO, existing: str) -> list[dict[str, Any]]:
    try:
        text = file.read()
        if text.lstrip().startswith(("[", "{")):
            rows = json.loads(text)
        else:
            return _of_table(text, file.name, existing)
    except UnicodeDecodeError as error:
        raise click.ClickException(
            f"{file.name}: byte {error.start + 1} is none of UTF-8: save the file as UTF-8"
        ) from None
    except csv.Error as error:
        raise click.ClickException(f"{file.name}: no CSV: {error}") from None
    except ValueError as error:
        raise click.ClickException(f"{file.name}: no JSON: {error}") from None
    rows = rows if isinstance(rows, list) else [rows]  # one object is one device
    if not all(isinstance(row, dict) for row in rows):
        raise click.ClickException(f"{file.name}: not each of its items is an object")
    return list(rows)


def _of_table(text: str, name: str, existing: str) -> list[dict[str, Any]]:
    found = list(csv.DictReader(io.StringIO(text, newline=""), restkey=""))
    for number, row in enumerate(found, 1):
        if row.get("") is not None:
            raise click.ClickException(
                f"{name}: row {number} has a cell without a heading: {row['']!r}"
            )
    empty = sum(one in ("", None) for row in found for one in row.values())
    if empty and existing == "update":
        echo(f"{name}: of {empty} empty cells what is there stays as it is", err=True)
    return [{key: one for key, one in row.items() if one not in ("", None)} for row in found]
