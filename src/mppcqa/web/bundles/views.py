"""Bundles: written for a shipment, fetched, and those of partners looked into and taken in."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods

from mppcqa.bundles.models import Bundle
from mppcqa.bundles.said import THINGS, WHAT
from mppcqa.bundles.taking import arrive, refuse_known
from mppcqa.queue import submit
from mppcqa.queue.models import OPEN_STATES
from mppcqa.refused import Refused
from mppcqa.store.reading import FileFault
from mppcqa.web.access import allowed, person
from mppcqa.web.bundles.listing import BUNDLES
from mppcqa.web.downloads import stored_file
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.listing.views import is_for_list, show_list
from mppcqa.web.reading import sent

LOOK, TAKE = "bundles.look", "bundles.take"
CONTENTS = {**THINGS, "run_files": gettext_lazy("run files")}


class FileForm(forms.Form):
    """A file that a partner sent."""

    file = forms.FileField(label=gettext_lazy("File"), max_length=200)


@require_http_methods(["GET", "POST"])
@allowed("bundles.view_bundle")
def bundle_list(request: HttpRequest) -> HttpResponseBase:
    """Bundles out and in, and a new one of a partner."""
    if is_for_list(request):
        return show_list(request, BUNDLES)
    form = FileForm(sent(request), request.FILES or None)
    if request.method == "POST":
        answer: HttpResponseBase = _arrive(request, form)
        return answer
    return show_list(request, BUNDLES, "web/bundles/list.html", form=form)


@allowed("bundles.add_bundle")
def _arrive(request: HttpRequest, form: FileForm) -> HttpResponseBase:
    if form.is_valid():
        try:
            with form.cleaned_data["file"].open("rb") as source:
                row = arrive(source, by=person(request))
        except Refused as error:
            tell_form(form, error)
        except OSError as error:
            form.add_error("file", _("It could not be kept, nothing was changed: %s") % error)
        else:
            if row.state == Bundle.State.TAKEN:
                messages.info(request, _("This bundle was taken in before."))
            else:
                _ask(request, row, LOOK)
            return redirect(row)
    return show_list(request, BUNDLES, "web/bundles/list.html", form=form, status=422)


def _ask(request: HttpRequest, row: Bundle, what: str) -> None:
    with transaction.atomic():
        row.task = submit(
            what, {"bundle": row.pk}, by=person(request), about=row, key=f"{what} {row.pk}"
        )
        row.save(update_fields=["task"])


@require_http_methods(["GET", "POST"])
@allowed("bundles.view_bundle")
def bundle(request: HttpRequest, pk: int) -> HttpResponse:
    """One bundle: what it has, and what it does here."""
    row = get_object_or_404(Bundle.objects.select_related("sender", "shipment", "task"), pk=pk)
    if request.method == "POST":
        answer: HttpResponse = _take(request, row)
        return answer
    busy = row.task is not None and row.task.state in OPEN_STATES
    told = row.found.get("done") or row.found.get("preview")
    counts = (told or {}).get("counts", {})
    context: dict[str, Any] = {
        "row": row,
        "task": row.task,
        "busy": busy,
        "told": told,
        "contents": [
            (CONTENTS.get(key, key), n) for key, n in row.found.get("told", {}).items()
        ],
        "rows": [
            (THINGS.get(thing, thing), WHAT.get(what, what), n)
            for thing, of in counts.items()
            for what, n in of.items()
        ],
        "lines": [
            (WHAT.get(what, what), line) for what, line in (told or {}).get("lines", [])
            if what != "new"
        ],
        "may_take": row.way == Bundle.Way.IN
        and not busy
        and request.user.has_perm("bundles.change_bundle")
        and _may_be_taken(row),
    }  # fmt: skip
    return render(request, "web/bundles/bundle.html", context)


def _may_be_taken(row: Bundle) -> bool:
    try:
        refuse_known(row)
    except Refused:
        return False
    return True


@allowed("bundles.change_bundle")
def _take(request: HttpRequest, row: Bundle) -> HttpResponse:
    if row.way != Bundle.Way.IN:
        messages.error(request, _("This bundle went out from here; it is for the partner."))
        return redirect(row)
    try:
        refuse_known(row)
    except Refused as error:
        tell(request, error)
    else:
        _ask(request, row, TAKE)
    return redirect(row)


@require_GET
@allowed("bundles.view_bundle")
def bundle_file(request: HttpRequest, pk: int) -> HttpResponseBase:
    """A bundle as it was written or came, byte for byte."""
    row = get_object_or_404(Bundle.objects.select_related("sender"), pk=pk)
    try:
        return stored_file(row, row.filename, "application/zip")
    except FileFault as fault:
        messages.error(request, str(fault))
        return redirect(row)
