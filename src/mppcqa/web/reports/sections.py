"""Which sections an institution's reports have, and in which order: a page of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.reports.kinds import report_kinds, sections_of
from mppcqa.reports.models import ReportLook
from mppcqa.reports.sections import OFF, WITHIN, Section
from mppcqa.web import edits
from mppcqa.web.access import allowed
from mppcqa.web.reports.look import RIGHT, held_look

MOST = 99


@dataclass(frozen=True)
class Choice:
    """A kind of report whose sections can be chosen."""

    key: str
    title: str
    sections: tuple[Section, ...]

    def name(self, section: str) -> str:
        """Of the field of a section."""
        return f"{self.key}:{section}"


def choices() -> list[Choice]:
    """All kinds that have sections, the parts of a stage right below the device's report."""
    found = []
    for kind in report_kinds().values():
        if there := sections_of(kind.key):
            found.append(Choice(kind.key, str(kind.title), tuple(there)))
        if kind.key == "device":
            title = _("Full report: what each stage says")
            found.append(Choice(WITHIN, title, tuple(sections_of(WITHIN))))
    return found


def stored_numbers(choice: Choice, kept: dict[str, list[str]]) -> dict[str, int | None]:
    """The number of each section as it stands now; None where it is left out."""
    named = kept.get(choice.key, [])
    keys = [one.key for one in choice.sections]
    order = [key for key in named if key in keys]
    order += [key for key in keys if key not in order and OFF + key not in named]
    return {key: order.index(key) + 1 if key in order else None for key in keys}


class SectionsForm(forms.Form):
    """A number for each section; those without one are left out."""

    def __init__(self, data: Any, row: ReportLook) -> None:
        super().__init__(data)
        self.choices = choices()
        for choice in self.choices:
            numbers = stored_numbers(choice, row.sections)
            for section in choice.sections:
                self.fields[choice.name(section.key)] = forms.IntegerField(
                    label=section.title,
                    required=False,
                    min_value=1,
                    max_value=MOST,
                    initial=numbers[section.key],
                    widget=forms.NumberInput({"class": "form-control form-control-sm place-input"}),
                )

    def groups(self) -> list[tuple[str, list[forms.BoundField]]]:
        """Title of a kind and its fields, those that stand in a report in their order first."""
        return [
            (
                one.title,
                sorted(
                    (self[one.name(section.key)] for section in one.sections),
                    key=lambda field: field.initial or MOST + 1,
                ),
            )
            for one in self.choices
        ]

    def kept(self, row: ReportLook) -> dict[str, list[str]]:
        """What is kept: of two sections with one number, the one that was moved comes first."""
        found: dict[str, list[str]] = {}
        for choice in self.choices:
            before = stored_numbers(choice, row.sections)
            typed = {one.key: self.cleaned_data[choice.name(one.key)] for one in choice.sections}
            if typed == before and choice.key not in row.sections:
                continue
            keys = [one.key for one in choice.sections]
            shown = [key for key in keys if typed[key] is not None]
            shown.sort(key=lambda key: _place(typed[key], before[key]))
            found[choice.key] = shown + [OFF + key for key in keys if typed[key] is None]
        return found


def _place(typed: int, before: int | None) -> tuple[int, int]:
    """Where a section comes: one that was moved up stands before, moved down behind the other."""
    if typed == before:
        return typed, 1
    return typed, 0 if before is None or typed < before else 2


def _parts(row: ReportLook) -> list[edits.Part]:
    return [
        edits.part(
            choice.name(section.key),
            f"{choice.title}: {section.title}",
            stored_numbers(choice, row.sections)[section.key],
        )
        for choice in choices()
        for section in choice.sections
    ]


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def sections(request: HttpRequest, number: int) -> HttpResponse:
    """Leave sections out and put them in order."""
    with edits.changing(request):
        row = held_look(number, held=request.method == "POST")
        edit = edits.begin(request, row, _parts(row), reverse("report_look", args=[number]))
        if edit.conflict:
            return edit.both()
        form = SectionsForm(edit.data, row)
        if request.method == "POST" and form.is_valid():
            row.sections = form.kept(row)
            row.save(update_fields=["sections"])
            edit.saved(row, _parts(row))
            messages.success(request, _("The sections are kept: reports have them from now on."))
            return redirect("report_sections", number)
    context = {
        "form": form,
        "number": number,
        "mark": edit.mark,
        "place": row.institute or _("Default look"),
    }
    status = 422 if form.errors else 200
    return render(request, "web/reports/sections.html", context, status=status)
