"""The catalogue: makers, device types, lots, trays, institutes, tags, stations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.reports.kinds import report_kinds
from mppcqa.web import edits
from mppcqa.web.catalogue.entries import ENTRIES, Entry
from mppcqa.web.catalogue.listing import entry_listing
from mppcqa.web.listing.views import show_list


def _entry(key: str) -> Entry:
    if key not in ENTRIES:
        raise Http404
    return ENTRIES[key]


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """What there is to look after."""
    return render(request, "web/catalogue/catalogue.html", {"entries": ENTRIES.values()})


@require_http_methods(["GET", "POST"])
def entry_list(request: HttpRequest, kind: str) -> HttpResponseBase:
    """Things of one kind, in the order in which they were made."""
    entry = _entry(kind)
    if entry.own_list:
        return redirect(entry.own_list)
    return show_list(
        request,
        entry_listing(entry),
        "web/catalogue/list.html",
        entry=entry,
        may_add=request.user.has_perm(entry.add_right),
        may_change=request.user.has_perm(entry.change_right),
    )


@require_http_methods(["GET", "POST"])
def entry_edit(request: HttpRequest, kind: str, pk: int | None = None) -> HttpResponse:
    """Make a thing or change one."""
    entry = _entry(kind)
    if not request.user.has_perm(entry.add_right if pk is None else entry.change_right):
        raise PermissionDenied
    with edits.changing(request):
        row = None if pk is None else edits.locked(entry.rows(request.user), pk=pk)
        edit = _begin(request, entry, row)
        if edit.conflict:
            return edit.both()
        form = entry.form(edit.data, instance=row, viewer=request.user)
        if request.method == "POST" and form.is_valid():
            saved = form.save()
            kept = entry.form(instance=saved, viewer=request.user)
            edit.saved(saved, edits.parts_of(kept))
            messages.success(request, _("%s is saved.") % saved)
            return redirect("catalogue_list", kind)
    for field in form.fields.values():
        if isinstance(field.widget, forms.Textarea):
            field.widget.attrs["rows"] = 3
    context = {
        "entry": entry,
        "form": form,
        "edit": edit,
        "row": row,
        "with_reports": {one.model for one in report_kinds().values()},
        "may_delete": row is not None and request.user.has_perm(entry.delete_right),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/catalogue/edit.html", context, status=status)


def _begin(request: HttpRequest, entry: Entry, row: Any, *, only_seen: bool = False) -> edits.Edit:
    form = entry.form(instance=row, viewer=request.user)
    parts = [] if row is None else edits.parts_of(form)
    if only_seen:
        parts = [replace(one, only_seen=True) for one in parts]
    return edits.begin(request, row, parts, reverse("catalogue_list", args=[entry.key]))


@require_POST
def entry_delete(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Remove a thing that nothing refers to."""
    entry = _entry(kind)
    if not request.user.has_perm(entry.delete_right):
        raise PermissionDenied
    try:
        with transaction.atomic():
            row = edits.locked(entry.rows(request.user), pk=pk)
            name = str(row)
            edit = _begin(request, entry, row, only_seen=True)
            if edit.conflict:
                return edit.both()
            entry.remove(row)
    except ProtectedError as error:
        messages.error(
            request,
            _("%(name)s is in use (%(n)d times) and stays.")
            % {"name": name, "n": len(error.protected_objects)},
        )
        return redirect("catalogue_edit", kind, pk)
    messages.success(request, _("%s is removed.") % name)
    return redirect("catalogue_list", kind)
