"""Bringing in tables: upload or paste, map the columns, look at all faults, import."""

from __future__ import annotations

from contextlib import suppress
from itertools import islice
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mppcqa.exchange import imports
from mppcqa.exchange.cells import texts
from mppcqa.exchange.models import Import, Kind, SavedMapping
from mppcqa.exchange.source import Source, SourceError
from mppcqa.queue.actions import submit
from mppcqa.queue.models import OPEN_STATES
from mppcqa.web.access import allowed
from mppcqa.web.import_form import mapping_columns, read_mapping, read_reading
from mppcqa.web.stages import stage_titles

SAMPLES = 3
RIGHTS = {Kind.DEVICES: "inventory.add_device", Kind.VALUES: "testing.add_run"}


class TableForm(forms.Form):
    """A file or a pasted table, and what its rows are."""

    kind = forms.ChoiceField(choices=Kind.choices, label=gettext_lazy("Its rows are"))
    stage = forms.ChoiceField(label=gettext_lazy("Stage of the measurements"), required=False)
    file = forms.FileField(
        label=gettext_lazy("File (CSV, Excel, Parquet)"),
        required=False,
        help_text=gettext_lazy("Separator, encoding, decimal commas and units are found out."),
    )
    text = forms.CharField(
        label=gettext_lazy("or paste from a spreadsheet"),
        required=False,
        strip=False,
        widget=forms.Textarea(attrs={"class": "paste", "rows": 6, "spellcheck": "false"}),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["stage"].choices = [("", "—"), *stage_titles().items()]

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
def import_list(request: HttpRequest) -> HttpResponse:
    """A new table, and those of late."""
    form = TableForm(request.POST or None, request.FILES or None, initial=request.GET.dict())
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
                by=request.user,
            )
        except SourceError as error:
            form.add_error("file" if file else "text", str(error))
        else:
            return redirect(row)
    context = {
        "form": form,
        "rows": Import.objects.select_related("asked_by")[:20],
        "saved": SavedMapping.objects.all()[:50],
    }
    return render(
        request, "web/import_list.html", context, status=422 if request.method == "POST" else 200
    )


@require_http_methods(["GET", "POST"])
@allowed("exchange.add_import")
def import_(request: HttpRequest, pk: int) -> HttpResponse:
    """One table: how it is read, what its columns mean, its faults, and what was imported."""
    row = get_object_or_404(Import.objects.select_related("task", "run", "asked_by"), pk=pk)
    _settle(row)
    if request.method == "POST":
        _need(request, row.kind)
        answer = _act(request, row)
        if answer is not None:
            return answer
    return render(request, "web/import.html", _context(row))


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


def _act(request: HttpRequest, row: Import) -> HttpResponse | None:
    action = request.POST.get("action", "")
    if row.state in (Import.State.DONE, Import.State.CHECKING, Import.State.IMPORTING):
        messages.info(request, _("This table is being dealt with, or is in already."))
        return redirect(row)
    if action == "remove":
        try:
            imports.remove(row)
        except imports.ImportRefused as error:
            messages.error(request, str(error))
            return redirect(row)
        messages.success(request, _("The table is removed; nothing was imported."))
        return redirect("import_list")
    try:
        if action == "saved":
            saved = get_object_or_404(SavedMapping, pk=request.POST.get("saved") or 0)
            imports.use_saved(row, saved)
            messages.success(request, _("The mapping “%s” is used.") % saved)
        elif action == "read":
            row.reading = read_reading(request.POST)
            imports.set_mapping(row, imports.suggest_again(row))
        elif action in ("check", "import"):
            if action == "check":
                _take_form(request, row)
                imports.ask_check(row, by=request.user)
            else:
                row.leave_out = "leave_out" in request.POST
                row.save()
                imports.ask_import(row, by=request.user)
                if row.state == Import.State.DONE:
                    messages.success(request, _("The table is imported."))
    except (SourceError, imports.ImportRefused) as error:
        messages.error(request, str(error))
    return redirect(row)


def _take_form(request: HttpRequest, row: Import) -> None:
    mapping = read_mapping(request.POST, row, imports.source_of(row))
    row.existing = request.POST.get("existing", row.existing)
    if row.existing not in Import.Existing.values:
        row.existing = Import.Existing.REFUSE
    row.counts_now = "counts_now" in request.POST or row.kind == Kind.DEVICES
    imports.set_mapping(row, mapping)
    if name := request.POST.get("save_as", "").strip()[:100]:
        imports.save_mapping(row, name, by=request.user)


def _context(row: Import) -> dict[str, Any]:
    context: dict[str, Any] = {
        "row": row,
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
        except SourceError as error:
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
def import_faults(request: HttpRequest, pk: int) -> HttpResponse:
    """Every fault of a table as CSV."""
    row = get_object_or_404(Import, pk=pk)
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
    get_object_or_404(SavedMapping, pk=pk).delete()
    messages.success(request, _("The mapping is removed."))
    return redirect("import_list")
