"""The start of a run of what is loaded."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from mppcqa.queue.untrusted import redact
from mppcqa.refused import Fault, Refused
from mppcqa.runs.actions import start_run
from mppcqa.runs.models import Station
from mppcqa.stages import UnknownStage, get_stage
from mppcqa.web.access import allowed, person
from mppcqa.web.edits import begin
from mppcqa.web.reading import line
from mppcqa.web.runs.form import RunForm
from mppcqa.web.stations.views import loaded_parts, station_context


@require_POST
@allowed("runs.add_run")
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Start a run of what is loaded; a refused form comes back as it was filled in."""
    found = get_object_or_404(Station, name=name)
    try:
        stage = get_stage(found.stage)
    except UnknownStage as error:
        messages.error(request, redact(str(error)))
        return redirect(found)
    form = RunForm(stage, request.POST)
    faults: list[Fault] = []
    if form.is_valid():
        now = loaded_parts(found.loaded.select_related("device"), request.user)
        edit = begin(request, found, now, found.get_absolute_url())
        if edit.conflict:
            return edit.both()
        try:
            run = start_run(
                found,
                found.stage,
                form.cleaned_data,
                by=person(request),
                override=line(request.POST, "override", 200),
            )
        except Refused as error:
            faults = error.faults
        else:
            return redirect(run)
    context = station_context(found, request.user, form=form, faults=faults)
    return render(request, "web/stations/station.html", context, status=422)
