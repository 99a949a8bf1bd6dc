"""A delivery: the box that was scanned, and the maker's sheet that registers what is in it."""

from __future__ import annotations

from collections.abc import Iterable

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.exchange import imports
from mppcqa.exchange.models import Import, Kind
from mppcqa.inventory.serials import normal_serial
from mppcqa.tables import TableError
from mppcqa.web.access import allowed, person
from mppcqa.web.imports.form import import_kind
from mppcqa.web.imports.listing import seen_imports
from mppcqa.web.reading import sent


class SheetForm(forms.Form):
    """The maker's sheet of one box."""

    file = forms.FileField(label=gettext_lazy("The maker's sheet (CSV, Excel, Parquet)"))


@require_http_methods(["GET", "POST"])
@allowed("exchange.add_import")
def delivery(request: HttpRequest, box: str) -> HttpResponse:
    """The sheet of a box, checked and ready to be imported; or where it is given."""
    box = normal_serial(box)
    sheets = imports.boxed(box, seen_imports(request.user))
    if request.method == "GET" and sheets and sheets[0].state != Import.State.DONE:
        return redirect(sheets[0])
    form = SheetForm(sent(request), request.FILES or None)
    if request.method == "POST" and form.is_valid():
        if not request.user.has_perm("inventory.add_device"):
            raise PermissionDenied
        file = form.cleaned_data["file"]
        try:
            row = take_sheet(file.chunks(), file.name, box, request)
        except TableError as error:
            form.add_error("file", str(error))
        else:
            return redirect(row)
    context = {"box": box, "form": form, "sheets": sheets, "import_kind": import_kind}
    return render(request, "web/imports/delivery.html", context, status=422 if form.errors else 200)


def take_sheet(pieces: Iterable[bytes], name: str, box: str, request: HttpRequest) -> Import:
    """Keep a box's sheet, and check it at once: what it will do is the next thing that is seen."""
    by = person(request)
    row = imports.take_in(pieces, name, kind=Kind.DEVICES, box=box, by=by)
    imports.ask_check(row, by=by)
    return row
