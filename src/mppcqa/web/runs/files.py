"""Raw run files that people download."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.refused import Refused
from mppcqa.runs.models import RunFile
from mppcqa.runs.second_store import fetch
from mppcqa.store.reading import FileFault
from mppcqa.web.access import allowed, person
from mppcqa.web.downloads import stored_file
from mppcqa.web.faults import tell


@require_GET
def run_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A run file, byte for byte as it was written."""
    found = get_object_or_404(RunFile.objects.visible_to(request.user), pk=pk)
    try:
        return stored_file(found, found.original_name.rpartition("/")[2])
    except FileFault as fault:
        messages.error(request, str(fault))
        return redirect(found.run) if found.run else redirect("run_list")


@require_POST
@allowed("runs.change_run")
def fetch_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Bring a run file back from the second store."""
    found = get_object_or_404(RunFile.objects.visible_to(request.user), pk=pk)
    try:
        task = fetch(found, by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        text = _("%(file)s is being fetched back by task %(number)d.")
        messages.success(request, text % {"file": found, "number": task.pk})
    return redirect(found.run) if found.run else redirect("run_list")
