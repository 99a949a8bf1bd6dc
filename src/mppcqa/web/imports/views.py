"""Bringing in tables: upload or paste, map the columns, look at all faults, import."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.exchange import imports
from mppcqa.exchange.models import Import, Kind, SavedMapping
from mppcqa.queue.actions import submit
from mppcqa.queue.models import OPEN_STATES
from mppcqa.tables import Source, TableError
from mppcqa.tables.numbers import texts
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.imports.form import (
    count_name,
    import_kind,
    mapping_columns,
    read_mapping,
    read_reading,
    saved_parts,
    table_parts,
)
from mppcqa.web.imports.listing import IMPORTS, seen_imports
from mppcqa.web.listing.views import is_for_list, show_list
from mppcqa.web.reading import line, sent, whole
from mppcqa.web.stages import stage_titles

SAMPLES = 3
RIGHTS = {Kind.DEVICES: "inventory.add_device", Kind.VALUES: "runs.add_run"}


class TableForm(forms.Form):
    """A file or a pasted table, and what its rows are."""

    kind = forms.ChoiceField(choices=Kind.choices, label=gettext_lazy("Its rows are"))
    stage = forms.ChoiceField(label=gettext_lazy("Stage of the measurements"), required=False)
    file = forms.FileField(
        label=gettext_lazy("File (CSV, Excel, Parquet)"),
        required=False,
        help_text=gettext_lazy("Separator, encoding, decimal commas and units are found out."),
    )
    box = forms.CharField(
        label=gettext_lazy("Box of the delivery"),
        required=False,
        max_length=64,
        help_text=gettext_lazy(
            "What the box of a sheet of devices says: its scan opens the sheet."
        ),
        widget=forms.TextInput(attrs={"data-takes-scans": True}),
    )
    text = forms.CharField(
        label=gettext_lazy("or paste from a spreadsheet"),
        required=False,
        strip=False,
        widget=forms.Textarea(
            attrs={"class": "paste", "rows": 6, "spellcheck": "false", "data-takes-scans": True}
        ),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        cast(Any, self.fields["stage"]).choices = [("", "—"), *stage_titles().items()]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not values.get("file") and not (values.get("text") or "").strip():
            raise forms.ValidationError(_("Choose a file, or paste a table."))
        if values.get("kind") == Kind.VALUES and not values.get("stage"):
            self.add_error("stage", _("Choose the stage that the values belong to."))
        return values


def _need(request: HttpRequest, kind: str) -> None:
    if not request.user.has_perm(RIGHTS[Kind(kind)]):
        raise PermissionDenied


@require_http_methods(["GET", "POST"])
@allowed("exchange.add_import")
def import_list(request: HttpRequest) -> HttpResponseBase:
    """A new table, and those of late."""
    if is_for_list(request):
        return show_list(request, IMPORTS)
    form = TableForm(sent(request), request.FILES or None, initial=request.GET.dict())
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        _need(request, values["kind"])
        file = values["file"]
        pieces = file.chunks() if file else [values["text"].encode()]
        try:
            row = imports.take_in(
                pieces,
                file.name if file else _("pasted table"),
                kind=values["kind"],
                stage=values["stage"] if values["kind"] == Kind.VALUES else "",
                box=values["box"],
                by=person(request),
            )
        except TableError as error:
            form.add_error("file" if file else "text", str(error))
        else:
            if row.box:
                imports.ask_check(row, by=person(request))
            return redirect(row)
    return show_list(
        request,
        IMPORTS,
        "web/imports/list.html",
        status=422 if request.method == "POST" else 200,
        form=form,
        saved=[(one, edits.mark_of(saved_parts(one))) for one in SavedMapping.objects.all()[:50]],
    )


@require_http_methods(["GET", "POST"])
@allowed("exchange.add_import")
def import_(request: HttpRequest, pk: int) -> HttpResponse:
    """One table: how it is read, what its columns mean, its faults, and what was imported."""
    row = get_object_or_404(
        seen_imports(request.user).select_related("task", "run", "asked_by"), pk=pk
    )
    _settle(row)
    if request.method == "POST":
        _need(request, row.kind)
        return _act(request, row)
    edit = edits.begin(request, row, table_parts(row), row.get_absolute_url())
    return render(request, "web/imports/table.html", {**_context(row), "edit": edit})


def _settle(row: Import) -> None:
    """An import whose process or task ended without a word is told so, and taken back."""
    if row.state == Import.State.CHECKING and row.task and row.task.state not in OPEN_STATES:
        Import.objects.filter(pk=row.pk, state=row.state).update(state=Import.State.NEW)
        row.refresh_from_db()
    elif row.state == Import.State.IMPORTING and not (row.task and row.task.is_open):
        if row.size > imports.INLINE_BYTES:
            submit("exchange.give_up", {"import_id": row.pk}, about=row, key=f"give-up:{row.pk}")
            return
        # Where a process is at work on it still, it stays as it is.
        with suppress(imports.ImportRefused):
            imports.give_up(row)
            row.refresh_from_db()


def _act(request: HttpRequest, row: Import) -> HttpResponse:
    action = request.POST.get("action", "")
    try:
        with transaction.atomic():
            row = edits.locked(Import, pk=row.pk)
            if row.state in (Import.State.DONE, Import.State.CHECKING, Import.State.IMPORTING):
                messages.info(request, _("This table is being dealt with, or is in already."))
                return redirect(row)
            parts = table_parts(row, typed=action == "check") + _replaced(request)
            edit = edits.begin(request, row, parts, row.get_absolute_url())
            if edit.conflict:
                return edit.both()
            _change(request, row, action, edit)
            edit.saved(row, table_parts(row))
        if action == "remove":
            imports.remove(row)
            messages.success(request, _("The table is removed; nothing was imported."))
            return redirect("import_list")
        if action == "check":
            imports.ask_check(row, by=person(request))
        elif action == "import":
            imports.ask_import(row, by=person(request))
            if row.state == Import.State.DONE:
                messages.success(request, _("The table is imported."))
    except (TableError, imports.ImportRefused) as error:
        messages.error(request, str(error))
    return redirect(row)


def _change(request: HttpRequest, row: Import, action: str, edit: edits.Edit) -> None:
    """What an action changes of the table's row, before anything is done with it."""
    if action == "saved":
        saved = get_object_or_404(SavedMapping, pk=whole(request.POST, "saved") or 0)
        imports.use_saved(row, saved)
        messages.success(request, _("The mapping “%s” is used.") % saved)
    elif action == "read":
        row.reading = read_reading(request.POST)
        imports.set_mapping(row, imports.suggest_again(row))
    elif action == "check":
        _take_form(request, row, edit.data or QueryDict())
    elif action == "import":
        row.leave_out = "leave_out" in request.POST
        row.save()


def _take_form(request: HttpRequest, row: Import, sent: QueryDict) -> None:
    mapping = read_mapping(sent, row, imports.source_of(row))
    row.existing = sent.get("existing", row.existing)
    if row.existing not in Import.Existing.values:
        row.existing = Import.Existing.REFUSE
    row.counts_now = "counts_now" in sent or row.kind == Kind.DEVICES
    imports.set_mapping(row, mapping)
    if name := line(sent, "save_as", 100):
        imports.save_mapping(row, name, by=person(request))


def _replaced(request: HttpRequest) -> list[edits.Part]:
    """The saved mapping whose name was given to this one."""
    name = line(request.POST, "save_as", 100)
    found = SavedMapping.objects.filter(name=name).first() if name else None
    return [] if found is None else saved_parts(found)


def _context(row: Import) -> dict[str, Any]:
    context: dict[str, Any] = {
        "row": row,
        "import_kind": import_kind,
        "count_name": count_name,
        "busy": row.state in (Import.State.CHECKING, Import.State.IMPORTING),
        "open": row.state in (Import.State.NEW, Import.State.CHECKED, Import.State.FAILED),
        "stage_title": stage_titles().get(row.stage, row.stage),
        "saved": SavedMapping.objects.filter(kind=row.kind)[:50],
        "more_faults": max(0, row.faults - len(row.found.get("faults", []))),
        "existing": Import.Existing.choices,
    }
    if context["open"]:
        try:
            source = imports.source_of(row)
            samples = _samples(source)
        except TableError as error:
            context["unreadable"] = str(error)
        else:
            context["source"] = source
            context |= mapping_columns(row, source, samples)
    return context


def _samples(source: Source) -> list[list[str]]:
    """The first cells of each column."""
    for chunk in islice(source.chunks(), 1):
        return [
            [text for text in texts(column[:20]).to_pylist() if text][:SAMPLES]
            for column in chunk.cells
        ]
    return [[] for _column in source.columns]


@require_GET
@allowed("exchange.add_import")
def import_faults(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Every fault of a table as CSV."""
    row = get_object_or_404(seen_imports(request.user), pk=pk)
    try:
        opened = row.faults_path.open("rb")
    except OSError:
        messages.error(request, _("There is no list of faults: check the table first."))
        return redirect(row)
    return FileResponse(opened, as_attachment=True, filename=f"faults-{row.pk}.csv")


@require_POST
@allowed("exchange.delete_savedmapping")
def mapping_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Forget a saved mapping."""
    with transaction.atomic():
        found = edits.locked(SavedMapping, pk=pk)
        edit = edits.begin(request, found, saved_parts(found), reverse("import_list"))
        if edit.conflict:
            return edit.both()
        found.delete()
    messages.success(request, _("The mapping is removed."))
    return redirect("import_list")
