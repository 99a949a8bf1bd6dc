"""A stage that is a checklist: which device is next, its steps, and what was found."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.limits.checklists import KINDS, kind_of, record_checklist
from mppcqa.refused import Refused
from mppcqa.results.models import Outcome
from mppcqa.results.way import way_of, with_next
from mppcqa.runfile import RunFileError
from mppcqa.runs.models import Run, RunFile
from mppcqa.stages import Stage, all_stages
from mppcqa.stages.checklist import read_checklist
from mppcqa.store.reading import FileFault, pieces, whole_path
from mppcqa.web.access import allowed, person
from mppcqa.web.checklists.form import answers_of, once_of, shown
from mppcqa.web.downloads import stored_file
from mppcqa.web.reading import line
from mppcqa.web.stages import find_stage

TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}
LISTED = 20


def _stage(key: str) -> Stage:
    stage: Stage | None = find_stage(key)
    if stage is None or not stage.checklist:
        raise Http404(f"no checklist {key!r}")
    return stage


@require_GET
def checklist_list(request: HttpRequest) -> HttpResponse:
    """The stages that are checklists; where there is one, it opens."""
    found = [stage for stage in all_stages() if stage.checklist]
    if len(found) == 1:
        return redirect("checklist_start", found[0].key)
    shown = [(one.key, _(one.title), _(one.description)) for one in found]
    return render(request, "web/checklists/list.html", {"stages": shown})


@require_GET
def start(request: HttpRequest, stage: str) -> HttpResponse:
    """Scan a device, and its checklist opens; below: who waits, and what was done last."""
    found = _stage(stage)
    waiting = with_next(Device.objects.visible_to(request.user), found.key)
    runs = Run.objects.visible_to(request.user).filter(stage=found.key)
    context = {
        "stage": found,
        "stage_title": _(found.title),
        "description": _(found.description),
        "waiting": list(waiting.order_by("serial")[: LISTED + 1]),
        "listed": LISTED,
        "runs": list(runs.select_related("operator").prefetch_related("devices")[:LISTED]),
    }
    return render(request, "web/checklists/start.html", context)


@require_http_methods(["GET", "POST"])
@allowed("runs.add_run")
def checklist(request: HttpRequest, stage: str, serial: str) -> HttpResponse:
    """The steps for one device; what was found is kept as a run, and judged at once."""
    found = _stage(stage)
    rows = Device.objects.visible_to(request.user).select_related("device_type")
    device = get_object_or_404(rows, serial=normal_serial(serial))
    answers: dict[str, Any] = {}
    faults: list[Any] = []
    note, once = "", str(uuid.uuid4())
    if request.method == "POST":
        answers = answers_of(request, found.checklist)
        note, once = line(request.POST, "note", 2000), request.POST.get("once", once)[:36]
        try:
            run, outcome = record_checklist(
                found, device, answers, note=note, once=once_of(request), by=person(request)
            )
        except Refused as error:
            faults = list(error.faults)
        else:
            return _kept(request, found, device, run, outcome)
    context = {
        "stage": found,
        "stage_title": _(found.title),
        "device": device,
        "rows": shown(found.checklist, answers, faults),
        "faults": [one for one in faults if not one.field],
        "refused": bool(faults),
        "lost": bool(request.FILES),
        "note": note,
        "once": once,
        "former": device.standings.filter(stage=found.key).first(),
    }
    return render(request, "web/checklists/checklist.html", context, status=422 if faults else 200)


def _kept(
    request: HttpRequest, stage: Stage, device: Device, run: Run, outcome: Outcome
) -> HttpResponse:
    words = {"serial": device.serial, "outcome": outcome.label}
    text = _("%(serial)s: %(outcome)s.") % words
    way = way_of(device)
    if way is not None and way.next:
        text += " " + _("Next: %s") % way.text + "."
    tell = messages.success if outcome == Outcome.PASS else messages.warning
    tell(request, text + " " + _("Scan the next device."))
    return redirect("checklist_start", stage.key)


@require_GET
def card(request: HttpRequest, pk: int) -> HttpResponse:
    """What a checklist says, in words, with its photographs and their marks."""
    run = get_object_or_404(Run.objects.visible_to(request.user), pk=pk)
    stage = find_stage(run.stage)
    row = run.files.filter(kind=RunFile.Kind.CHECKLIST).order_by("-pk").first()
    if stage is None or row is None:
        return HttpResponse()
    context: dict[str, Any] = {"run": run, "stage": stage}
    try:
        with whole_path(row) as path:
            document = read_checklist(path, stage.checklist)
    except (FileFault, RunFileError) as error:
        context["fault"] = str(error)
        return render(request, "web/checklists/card.html", context)
    files = {one.sha256: one for one in run.files.filter(kind=RunFile.Kind.PICTURE)}
    steps = []
    for step in stage.checklist:
        answer = document["answers"].get(step.key)
        if answer is None:
            continue
        value = answer["value"]
        steps.append(
            {
                "title": _(step.title),
                "said": _(step.choices[value]) if step.kind == "choice" else value,
                "found": bool(value),
                "remark": answer.get("remark", ""),
                "pictures": [
                    (files[one["sha256"]], one["marks"])
                    for one in document["pictures"]
                    if one["step"] == step.key and one["sha256"] in files
                ],
            }
        )
    context |= {"steps": steps, "note": document.get("note", "")}
    return render(request, "web/checklists/card.html", context)


@require_GET
def picture(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A photograph as a picture of a page; its kind is told by its content, never by its name."""
    rows = RunFile.objects.visible_to(request.user).filter(kind=RunFile.Kind.PICTURE)
    row = get_object_or_404(rows, pk=pk)
    try:
        start = next(iter(pieces(row)), b"")[:16]
        kind = kind_of(start)
        if kind not in KINDS:
            raise Http404("no picture")
        response = stored_file(row, row.original_name, TYPES[kind])
    except FileFault as fault:
        raise Http404(str(fault)) from fault
    # Never changed: its address is that of one content for good.
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
