"""Raw run files that people download."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from mppcqa.runs.models import RunFile
from mppcqa.store.reading import FileFault
from mppcqa.web.downloads import stored_file


@require_GET
def run_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A run file, byte for byte as it was written."""
    found = get_object_or_404(RunFile.objects.visible_to(request.user), pk=pk)
    try:
        return stored_file(found, found.original_name.rpartition("/")[2])
    except FileFault as fault:
        messages.error(request, str(fault))
        return redirect(found.run) if found.run else redirect("run_list")
