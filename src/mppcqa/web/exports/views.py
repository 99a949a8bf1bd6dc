"""Lists as files: chosen by the filters of the page they come from, kept for some days."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.exchange.exports import ask_export
from mppcqa.exchange.models import Export
from mppcqa.exchange.writers import content_type, writers
from mppcqa.refused import Refused
from mppcqa.results.selection import DEVICE_FILTERS, RUN_FILTERS, kept_filters
from mppcqa.store.reading import FileFault
from mppcqa.web.access import person
from mppcqa.web.downloads import stored_file
from mppcqa.web.exports.listing import EXPORTS
from mppcqa.web.faults import tell
from mppcqa.web.listing.views import is_for_list, show_list

LISTS = {
    "devices": gettext_lazy("Devices with verdicts and the maker's values"),
    "values": gettext_lazy("Measured values of these devices"),
    "fits": gettext_lazy("Records of the fits behind these values"),
    "records": gettext_lazy("What was done to these devices"),
    "assembly": gettext_lazy("What these devices were part of, and when"),
    "runs": gettext_lazy("Runs"),
}


@require_http_methods(["GET", "POST"])
def export_list(request: HttpRequest) -> HttpResponseBase:
    """Ask for a file; the filters are those of the list that led here."""
    if is_for_list(request):
        return show_list(request, EXPORTS)
    asked = request.GET if request.method == "GET" else request.POST
    what = asked.get("what", "devices")
    names = RUN_FILTERS if what == "runs" else DEVICE_FILTERS
    filters = kept_filters(asked, names)
    if request.method == "POST":
        try:
            row = ask_export(what, asked.get("form", "csv"), filters, by=person(request))
        except Refused as error:
            tell(request, error)
            return redirect("export_list")
        if row.removed:
            text = _(
                "Your exports had no room left, so older ones were removed: %s. Each can be asked "
                "for again."
            )
            messages.warning(request, text % ", ".join(row.removed))
        if row.task is None:
            return _file(request, row)
        messages.info(request, _("The file is being written; it appears below when it is done."))
        return redirect("export_list")
    return show_list(
        request,
        EXPORTS,
        "web/exports/list.html",
        lists={key: title for key, title in LISTS.items() if (key == "runs") == (what == "runs")},
        what=what,
        formats={one.key: one.title for one in writers().values()},
        filters=filters,
    )


@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The file of an export of one's own."""
    return _file(request, get_object_or_404(Export, pk=pk, asked_by=person(request)))


def _file(request: HttpRequest, row: Export) -> HttpResponseBase:
    try:
        return stored_file(row, row.filename, content_type(row.form))
    except FileFault:
        # No backup has it, and it is made again in the time that one would take.
        messages.error(request, _("%s is damaged or gone: ask for it again.") % row.filename)
        return redirect("export_list")
