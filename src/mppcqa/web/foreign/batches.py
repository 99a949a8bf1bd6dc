"""Many files of other programs at once: a ZIP archive to many devices, looked at first."""

from __future__ import annotations

import io
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.disk import whole_file
from mppcqa.exchange.batches.contents import BatchRefused
from mppcqa.exchange.batches.report import counts_of, write_report
from mppcqa.exchange.batches.taking import ask, begin, preview, wishes
from mppcqa.exchange.foreign.files import ALLOWED
from mppcqa.exchange.foreign.kinds import axes, example_of_names, to_say
from mppcqa.exchange.foreign.mappings import all_mappings
from mppcqa.exchange.models import Batch, BatchFile
from mppcqa.tables import TableError
from mppcqa.tables.name_patterns import FIELDS
from mppcqa.web.access import allowed, person
from mppcqa.web.foreign.listing import BATCHES
from mppcqa.web.foreign.views import given_in
from mppcqa.web.listing.views import is_for_list, show_list
from mppcqa.web.reading import line

MOST_BYTES = 8 << 30
SHOWN = 200


@require_http_methods(["GET", "POST"])
@allowed("runs.add_run")
def batch_list(request: HttpRequest) -> HttpResponseBase:
    """Upload an archive; those of late."""
    if is_for_list(request):
        return show_list(request, BATCHES)
    faults: list[str] = []
    uploaded = request.FILES.get("file")
    if request.method == "POST" and uploaded is None:
        faults.append(_("Choose a ZIP archive."))
    elif uploaded is not None:
        name = Path((uploaded.name or "files.zip").replace("\\", "/")).name[:150]
        path = Path(settings.MPPCQA_HOME) / "batches" / f"{secrets.token_hex(16)}.zip"
        try:
            if (uploaded.size or 0) > MOST_BYTES:
                raise BatchRefused(_("At most %d GB at once.") % (MOST_BYTES >> 30))
            with whole_file(path) as part, part.open("wb") as target:
                for piece in uploaded.chunks():
                    target.write(piece)
            return redirect(begin(path, name, by=person(request)))
        except (BatchRefused, OSError) as error:
            path.unlink(missing_ok=True)
            faults.append(str(error))
    status = 422 if faults else 200
    return show_list(request, BATCHES, "web/foreign/batches.html", status=status, faults=faults)


@require_http_methods(["GET", "POST"])
@allowed("runs.add_run")
def batch(request: HttpRequest, pk: int) -> HttpResponse:
    """What names say, before; how far it is, and what became of each file, after."""
    row = get_object_or_404(Batch.objects.select_related("task"), pk=pk)
    faults: list[str] = []
    if request.method == "POST" and row.state == Batch.State.NEW:
        given = given_in(request, faults)
        try:
            row.asked = wishes(
                line(request.POST, "pattern", 300),
                line(request.POST, "mapping", 60),
                given,
                [what for what in ALLOWED if f"allow-{what}" in request.POST],
                line(request.POST, "device", 100),
                request.user,
            )
        except (BatchRefused, TableError) as error:
            faults.append(str(error))
        if not faults:
            row.save(update_fields=["asked"])
            if request.POST.get("action") == "take":
                ask(row, by=person(request))
                messages.info(request, _("The files are being taken in; this page shows how far."))
                return redirect(row)
    context: dict[str, Any] = {
        "row": row,
        "faults": faults,
        "counts": counts_of(row),
        "asked": request.POST or {**row.asked, **row.asked.get("given", {})},
        "to_say": list(to_say().values()),
        "example": example_of_names(),
    }
    if row.state == Batch.State.NEW:
        context["preview"] = preview(row)
        context["mappings"] = all_mappings()
        context["fields"] = ", ".join("{" + name + "}" for name in {**FIELDS, **axes()})
    else:
        ended = row.files.filter(state__in=(BatchFile.State.REFUSED, BatchFile.State.TWICE))
        context["ended"] = ended.select_related("device").order_by("state", "pk")[:SHOWN]
        context["busy"] = row.state == Batch.State.ON and row.task is not None and row.task.is_open
    return render(request, "web/foreign/batch.html", context, status=422 if faults else 200)


@require_GET
@allowed("runs.add_run")
def batch_report(request: HttpRequest, pk: int) -> HttpResponse:
    """All files of a batch as CSV."""
    row = get_object_or_404(Batch, pk=pk)
    text = io.StringIO()
    write_report(row, text)
    response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="batch-{row.pk}.csv"'
    return response
