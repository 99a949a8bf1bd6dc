"""The catalogue: makers, device types, lots, trays, institutes, tags, stations."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import ProtectedError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.web.catalogue import ENTRIES, Entry
from mppcqa.web.paging import keyset_page


def _entry(key: str) -> Entry:
    if key not in ENTRIES:
        raise Http404
    return ENTRIES[key]


@require_GET
def catalogue(request: HttpRequest) -> HttpResponse:
    """What there is to look after."""
    return render(request, "web/catalogue.html", {"entries": ENTRIES.values()})


@require_GET
def entry_list(request: HttpRequest, kind: str) -> HttpResponse:
    """Things of one kind, in the order in which they were made."""
    entry = _entry(kind)
    rows: Any = entry.model._default_manager.all()
    if text := request.GET.get("q", "").strip():
        rows = rows.filter(name__icontains=text)
    related = [name for name in entry.columns if entry.model._meta.get_field(name).is_relation]
    page = keyset_page(
        rows,
        request.GET,
        show=lambda rows: rows.select_related(*related) if related else rows,
    )
    lines = [(row, [getattr(row, name) for name in entry.columns[1:]]) for row in page.rows]
    heads = [entry.model._meta.get_field(name).verbose_name for name in entry.columns]  # type: ignore[union-attr]
    context = {
        "entry": entry,
        "page": page,
        "lines": lines,
        "heads": heads,
        "asked": request.GET,
        "may_add": request.user.has_perm(entry.add_right),
        "may_change": request.user.has_perm(entry.change_right),
    }
    return render(request, "web/catalogue_list.html", context)


@require_http_methods(["GET", "POST"])
def entry_edit(request: HttpRequest, kind: str, pk: int | None = None) -> HttpResponse:
    """Make a thing or change one."""
    entry = _entry(kind)
    if not request.user.has_perm(entry.add_right if pk is None else entry.change_right):
        raise PermissionDenied
    row = None if pk is None else get_object_or_404(entry.model, pk=pk)
    form = entry.form(request.POST or None, instance=row)
    for field in form.fields.values():
        if isinstance(field.widget, forms.Textarea):
            field.widget.attrs["rows"] = 3
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("%s is saved.") % saved)
        return redirect("catalogue_list", kind)
    context = {
        "entry": entry,
        "form": form,
        "row": row,
        "may_delete": row is not None and request.user.has_perm(entry.delete_right),
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "web/catalogue_edit.html", context, status=status)


@require_POST
def entry_delete(request: HttpRequest, kind: str, pk: int) -> HttpResponse:
    """Remove a thing that nothing refers to."""
    entry = _entry(kind)
    if not request.user.has_perm(entry.delete_right):
        raise PermissionDenied
    row = get_object_or_404(entry.model, pk=pk)
    name = str(row)
    try:
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
