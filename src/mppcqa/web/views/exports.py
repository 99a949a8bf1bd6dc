"""Lists as files: chosen by the filters of the page they come from, kept for some days."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.exchange.exports import ask_export
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import ExportRefused
from mppcqa.testing.selection import DEVICE_FILTERS, RUN_FILTERS, kept_filters

LISTS = {
    "devices": gettext_lazy("Devices with verdicts and the maker's values"),
    "values": gettext_lazy("Measured values of these devices"),
    "runs": gettext_lazy("Runs"),
}
FORMATS = {"csv": "CSV", "excel": "Excel", "parquet": "Parquet", "root": "ROOT"}
TYPES = {"csv": "text/csv", "parquet": "application/vnd.apache.parquet"}


@require_http_methods(["GET", "POST"])
def export_list(request: HttpRequest) -> HttpResponse:
    """Ask for a file; the filters are those of the list that led here."""
    asked = request.GET if request.method == "GET" else request.POST
    what = asked.get("what", "devices")
    names = RUN_FILTERS if what == "runs" else DEVICE_FILTERS
    filters = kept_filters(asked, names)
    if request.method == "POST":
        try:
            row = ask_export(what, asked.get("form", "csv"), filters, by=request.user)
        except ExportRefused as error:
            messages.error(request, str(error))
            return redirect("export_list")
        if row.task is None:
            return _file(row)
        messages.info(request, _("The file is being written; it appears below when it is done."))
        return redirect("export_list")
    context = {
        "lists": {
            key: title for key, title in LISTS.items() if (key == "runs") == (what == "runs")
        },
        "what": what,
        "formats": FORMATS,
        "filters": filters,
        "rows": Export.objects.filter(asked_by=request.user).select_related("task")[:20],
    }
    return render(request, "web/export_list.html", context)


@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """The file of an export of one's own."""
    return _file(get_object_or_404(Export, pk=pk, asked_by=request.user))


def _file(row: Export) -> HttpResponse:
    try:
        opened = row.path.open("rb")
    except OSError:
        return redirect("export_list")
    kind = TYPES.get(row.form, "application/octet-stream")
    return FileResponse(opened, as_attachment=True, filename=row.filename, content_type=kind)  # type: ignore[return-value]
