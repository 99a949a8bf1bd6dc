"""Procedures: the list by stage, a version as it is read, the form that writes the next."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa import markup
from mppcqa.refused import Refused
from mppcqa.runs import training
from mppcqa.runs.procedures import Procedure, ProcedurePicture, Training
from mppcqa.store.reading import FileFault
from mppcqa.typed import whole
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.downloads import stored_file
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.procedures.forms import PictureForm, ProcedureForm, TrainingForm
from mppcqa.web.reading import line
from mppcqa.web.stages import find_stage, stage_titles

TYPES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png"}


def _title(stage: str) -> str:
    """The stage's title; 404 for one that is not installed and of which nothing was written."""
    title = stage_titles().get(stage)
    if title is None and not Procedure.objects.filter(stage=stage).exists():
        raise Http404(f"no stage {stage!r}")
    return title or stage


@require_GET
def procedure_list(request: HttpRequest) -> HttpResponse:
    """Every stage with the version in use, its time and whether the reader is trained."""
    used: dict[str, Procedure] = {}
    for row in Procedure.objects.defer("text_en", "text_es").order_by("version"):
        used[row.stage] = row
    today = timezone.now().date()
    mine = Training.objects.filter(person=request.user.pk).select_related("procedure")
    trained = {row.procedure.stage for row in mine if row.counts_on(today)}
    titles = stage_titles()
    keys = [*titles, *(key for key in used if key not in titles)]
    rows = [(key, titles.get(key, key), used.get(key), key in trained) for key in keys]
    return render(request, "web/procedures/list.html", {"rows": rows})


def _shown(stage: str, found: Procedure | None) -> dict[str, Any]:
    """A version's text in pieces, with its pictures."""
    pieces = markup.blocks(found.text) if found else []
    rows = ProcedurePicture.objects.filter(stage=stage)
    return {"blocks": pieces, "pictures": {row.number: row for row in rows}}


def page(
    request: HttpRequest, stage: str, form: TrainingForm | None = None, status: int = 200
) -> HttpResponse:
    title = _title(stage)
    versions = list(Procedure.objects.filter(stage=stage).select_related("made_by"))
    asked = whole(request.GET.get("version"))
    found = next((one for one in versions if one.version == asked), None)
    found = found or (versions[0] if versions else None)
    rows = Training.objects.filter(procedure__stage=stage)
    today = timezone.now().date()
    context = {
        "stage": stage,
        "stage_title": title,
        "procedure": found,
        "versions": versions,
        "real": training.real_minutes(stage),
        "trainings": [
            (row, row.counts_on(today))
            for row in rows.select_related("person", "procedure", "withdrawn_by")
        ],
        "form": form or TrainingForm(),
        **_shown(stage, found),
    }
    return render(request, "web/procedures/procedure.html", context, status=status)


@require_GET
def procedure(request: HttpRequest, stage: str) -> HttpResponse:
    """A version of a stage's procedure (``?version=``; the one in use where none is asked for)."""
    return page(request, stage)


@require_GET
def card(request: HttpRequest, stage: str) -> HttpResponse:
    """What stands beside the button that starts a run: time, training, and the steps."""
    found = training.in_use(stage)
    context = {
        "stage": stage,
        "procedure": found,
        "real": training.real_minutes(stage),
        "trained": training.is_trained(person(request), stage),
        **_shown(stage, found),
    }
    return render(request, "web/procedures/card.html", context)


def _former(now: Procedure | None) -> dict[str, Any]:
    names = ("text_en", "text_es", "estimate_min")
    return {} if now is None else {name: getattr(now, name) for name in names}


@require_http_methods(["GET", "POST"])
@allowed("runs.add_procedure")
def write(request: HttpRequest, stage: str) -> HttpResponse:
    """Write the next version, from the one in use."""
    title = _title(stage)
    if find_stage(stage) is None:
        raise Http404(f"the stage {stage!r} is not installed")
    with edits.changing(request):
        now = training.in_use(stage)
        blank = ProcedureForm(initial=_former(now))
        edit = edits.begin(request, now, edits.parts_of(blank) if now else [], request.path)
        if edit.conflict:
            return edit.both()
        form = ProcedureForm(edit.data) if request.method == "POST" else blank
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            try:
                made = training.write_version(
                    stage,
                    {"en": values["text_en"], "es": values["text_es"]},
                    estimate_min=values["estimate_min"],
                    note=values["note"],
                    by=person(request),
                )
            except Refused as error:
                tell_form(form, error)
            else:
                messages.success(request, _("Version %d is in use.") % made.version)
                return redirect("procedure", stage)
    pictures = ProcedurePicture.objects.filter(stage=stage)
    context = {
        "stage": stage,
        "stage_title": title,
        "form": form,
        "edit": edit,
        "pictures": pictures,
        "picture_form": PictureForm(),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/procedures/write.html", context, status=status)


@require_POST
@allowed("runs.add_procedure")
def add_picture(request: HttpRequest, stage: str) -> HttpResponse:
    """Keep a picture that instructions may show by its number."""
    _title(stage)
    file = request.FILES.get("file")
    try:
        if file is None:
            raise training.ProcedureRefused(_("Choose a file."))
        told = line(request.POST, "told", 200)
        made = training.add_picture(stage, file, told, by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        text = _("It is picture %(n)d: write [picture %(n)d] on a line where it belongs.")
        messages.success(request, text % {"n": made.number})
    return redirect("procedure_write", stage)


@require_GET
def picture(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A picture of instructions; its kind was held against its content when it came."""
    row = get_object_or_404(ProcedurePicture, pk=pk)
    try:
        ending = row.original_name.rpartition(".")[2].lower()
        response = stored_file(row, row.original_name, TYPES[ending])
    except FileFault as fault:
        raise Http404(str(fault)) from fault
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
