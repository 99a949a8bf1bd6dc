"""Sendings that a page asks for: what would be sent, and a task that sends and reports each row.

Where a database is and its token stand in the server's environment (``MPPCQA_SEND_ADDRESS_DUNE``,
``MPPCQA_SEND_TOKEN_DUNE``), so that no page can send measured values elsewhere. The report is an
export of its own, kept as long as others are.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.db import transaction
from django.utils.translation import gettext as _

from mppcqa.disk import scratch_file
from mppcqa.exchange.campaigns import Row, SendRefused, Service
from mppcqa.exchange.campaigns.base import documents
from mppcqa.exchange.campaigns.sending import find_database, report, rows_of
from mppcqa.exchange.models import Export
from mppcqa.queue.actions import submit
from mppcqa.store.keeping import discard, keeping
from mppcqa.store.reading import whole_path

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SENT = "sent"
"""What an export is whose file is the report of a sending."""
DOCUMENTS = "documents"
LOOKED_AT = 50
LARGEST_SETTINGS = 20_000


def access(key: str) -> tuple[str, str]:
    """Address and token of a database, as the server's environment has them; empty where not."""
    name = key.upper().replace("-", "_")
    get = os.environ.get
    return get(f"MPPCQA_SEND_ADDRESS_{name}", ""), get(f"MPPCQA_SEND_TOKEN_{name}", "")


def read_settings(text: str) -> dict[str, Any]:
    """What a campaign calls things. Raises `SendRefused` for what is no JSON object."""
    try:
        found = json.loads(text[:LARGEST_SETTINGS] or "{}")
    except (ValueError, RecursionError) as error:
        raise SendRefused(_("the settings are no JSON: %s") % error) from None
    if not isinstance(found, dict) or not isinstance(found.get("tests", {}), dict):
        raise SendRefused(_("the settings must be a JSON object"))
    return found


def last_settings(key: str) -> dict[str, Any]:
    """The settings of the last sending to a database."""
    rows = Export.objects.filter(what=SENT).order_by("-pk").values_list("filters", flat=True)[:100]
    found = next((row["settings"] for row in rows if row.get("database") == key), None)
    return found or dict.fromkeys(find_database(key).needed, "")


def look(export: Export, key: str, settings: Mapping[str, Any]) -> tuple[list[Row], str]:
    """What would be sent of the first devices, and the first document as it is.

    Raises `SendRefused`, and `FileFault` where the file is damaged or gone.
    """
    with whole_path(export) as path:
        rows = list(islice(rows_of(find_database(key), path, settings, None), LOOKED_AT))
        first = next(documents(path), {})
    return rows, json.dumps(first, indent=1, ensure_ascii=False)[:4000]


def ask(
    export: Export,
    key: str,
    settings: Mapping[str, Any],
    *,
    by: AbstractBaseUser | None = None,
) -> Export:
    """Have a file of documents sent by the queue; the row is its report. Raises `SendRefused`."""
    database = find_database(key)
    if export.form != DOCUMENTS or export.rows is None:
        raise SendRefused(_("only a file of documents can be sent, once it is written"))
    if not all(access(key)):
        raise SendRefused(
            _("the server does not know where %s is; set its address and token there")
            % database.title
        )
    look(export, key, settings)
    with transaction.atomic():
        row = Export.objects.create(
            what=SENT,
            form="csv",
            filters={"database": key, "settings": dict(settings), "export": export.pk},
            asked_by_id=None if by is None else by.pk,
        )
        row.task = submit("exchange.send", {"export_id": row.pk}, by=by, about=row)
        row.save(update_fields=["task"])
    return row


def send(row: Export, told: Callable[[int], None] = lambda rows: None) -> Counter[str]:
    """Send what a sending is of, and keep its report; again, it goes on where it stopped.

    Raises `SendRefused` and `FileFault`; where the service stopped answering the report says so.
    """
    asked = row.filters
    export = Export.objects.filter(pk=asked["export"]).first()
    if export is None:
        raise SendRefused(_("the file that was to be sent is gone; export it again"))
    service = Service(*access(asked["database"]))
    done = 0

    def count(_row: Row) -> None:
        nonlocal done
        done += 1
        told(done)

    storage, former = row.file.storage, row.file.name
    with (
        whole_path(export) as source,
        scratch_file(Path(django_settings.MPPCQA_HOME) / "exports") as path,
    ):
        rows = rows_of(find_database(asked["database"]), source, asked["settings"], service)
        counts = report(rows, path, count)
        with (
            path.open("rb") as file,
            keeping(file, "lists", ".csv", storage=storage) as kept,
        ):
            row.file, row.size, row.sha256 = kept.name, kept.size, kept.sha256
            row.rows, row.filters = counts.total(), asked | {"counts": dict(counts)}
            row.save(update_fields=["rows", "file", "size", "sha256", "filters"])
    discard(former, storage)
    return counts
