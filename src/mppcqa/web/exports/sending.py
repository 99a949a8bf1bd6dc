"""A file of documents on its way to the database of another campaign: looked at, sent, reported."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.exchange.campaigns import databases
from mppcqa.exchange.campaigns.asked import DOCUMENTS, SENT, access, ask, last_settings, look
from mppcqa.exchange.campaigns.asked import read_settings as settings_of
from mppcqa.exchange.models import Export
from mppcqa.refused import Refused
from mppcqa.store.reading import FileFault, pieces
from mppcqa.web.access import allowed, person

SHOWN = 200
REPORT_BYTES = 1 << 20
WORST = {"stopped": 0, "refused": 1, "new": 2, "sent": 3, "there": 4}


@allowed("exchange.add_export")
@require_http_methods(["GET", "POST"])
def export_send(request: HttpRequest, pk: int) -> HttpResponseBase:
    """What would be sent of a file of one's own, and what became of what was."""
    export = get_object_or_404(Export, pk=pk, asked_by=person(request), form=DOCUMENTS)
    there = databases()
    key = request.POST.get("database") or request.GET.get("database") or next(iter(there))
    faults: list[str] = []
    rows: list[Any] = []
    document = ""
    text = request.POST.get("settings")
    if key not in there:
        return redirect("export_send", pk=pk)
    if text is None:
        text = json.dumps(last_settings(key), indent=1, ensure_ascii=False)
    elif request.method == "POST":
        try:
            if request.POST.get("action") == "send":
                ask(export, key, settings_of(text), by=person(request))
                messages.info(request, _("It is being sent; the report appears below."))
                return redirect("export_send", pk=pk)
            rows, document = look(export, key, settings_of(text))
        except (Refused, FileFault) as error:
            faults = [str(fault) for fault in getattr(error, "faults", [error])]
    return render(
        request,
        "web/exports/send.html",
        {
            "export": export,
            "databases": list(there.values()),
            "chosen": there[key],
            "known": all(access(key)),
            "settings": text,
            "faults": faults,
            "rows": rows,
            "document": document,
            "sent": _sent(export, request),
        },
    )


def _sent(export: Export, request: HttpRequest) -> list[dict[str, Any]]:
    """Sendings of a file, the newest first, the first with its rows: what is at fault on top."""
    rows = Export.objects.filter(what=SENT, asked_by=person(request), pk__gt=export.pk)
    mine = [one for one in rows.select_related("task").order_by("-pk")[:200]
            if one.filters.get("export") == export.pk][:10]  # fmt: skip
    found = [{"row": one, "counts": one.filters.get("counts", {}), "lines": []} for one in mine]
    if found and mine[0].rows is not None:
        found[0]["lines"] = _lines(mine[0])
    return found


def _lines(row: Export) -> list[dict[str, str]]:
    """The lines of a report, those at fault first; of a long one its beginning."""
    text = b""
    try:
        for piece in pieces(row):
            text += piece
            if len(text) > REPORT_BYTES:
                text = text[: text.rfind(b"\n") + 1]
                break
    except FileFault:
        return []
    lines = list(csv.DictReader(io.StringIO(text.decode())))
    return sorted(lines, key=lambda line: WORST.get(line["state"], 0))[:SHOWN]
