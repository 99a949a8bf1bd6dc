"""Files that people download: raw run files and PDF reports."""

from __future__ import annotations

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.testing.models import RunFile


@require_GET
def run_file(request: HttpRequest, pk: int) -> HttpResponse:
    """A run file, byte for byte as it was written."""
    found = get_object_or_404(RunFile, pk=pk)
    try:
        opened = found.file.open("rb")
    except OSError:
        messages.error(
            request,
            _("The file %s is not in the store. Ask a person who keeps this server.")
            % found.original_name,
        )
        return redirect(found.run) if found.run else redirect("run_list")
    name = found.original_name.rpartition("/")[2]
    return FileResponse(
        opened, as_attachment=True, filename=name, content_type="application/octet-stream"
    )


@require_GET
def report(request: HttpRequest, serial: str) -> HttpResponse:
    """The PDF report of a device as it stands now."""
    from mppcqa.reports import device_report

    found = get_object_or_404(Device, serial=normal_serial(serial))
    response = HttpResponse(device_report(found), content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="{found.serial}.pdf"'
    return response
