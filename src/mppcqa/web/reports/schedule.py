"""A report that is written at set times."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa.queue.clock import zone_name
from mppcqa.queue.schedules import add
from mppcqa.reports.document import PAPERS
from mppcqa.reports.kinds import kinds_about
from mppcqa.web.access import allowed, person
from mppcqa.web.reading import sent
from mppcqa.web.reports.views import ROUTINE, about_row, page_of
from mppcqa.web.schedules.form import WEEKLY, ScheduleForm, tonight
from mppcqa.web.schedules.words import meaning


class ReportScheduleForm(ScheduleForm):
    """Which report of a thing, and when it is written."""

    kind = forms.ChoiceField(label=gettext_lazy("Report"))
    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES)
    paper = forms.ChoiceField(
        label=gettext_lazy("Paper"), choices=[(one, one.capitalize()) for one in PAPERS]
    )

    def __init__(self, row: Any, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        field = self.fields["kind"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101
        field.choices = [(one.key, one.title) for one in kinds_about(type(row))]


@require_http_methods(["GET", "POST"])
@allowed("django_celery_beat.change_periodictask")
def schedule(request: HttpRequest, model: str, pk: int) -> HttpResponse:
    """Have a report of a thing written at set times; each is kept and listed as any other."""
    row: Any = about_row(request, model, pk)
    first = {"language": get_language(), "paper": "A4", **tonight(), "when": WEEKLY}
    form = ReportScheduleForm(row, sent(request), initial=first)
    if request.method == "POST" and form.is_valid():
        wanted = form.cleaned_data
        arguments = {name: wanted[name] for name in ("kind", "language", "paper")}
        titles = {one.key: str(one.title) for one in kinds_about(type(row))}
        words = f"{titles[wanted['kind']]}, {row}, {wanted['language']}, {wanted['paper']}"
        made = add(
            ROUTINE,
            wanted["timing"],
            {**arguments, "number": row.pk},
            description=words,
            by=person(request),
        )
        messages.success(request, _("The schedule is kept; it is due %s.") % meaning(made))
        return redirect("schedule", made.pk)
    context = {"form": form, "row": row, "back": page_of(row), "zone": zone_name()}
    status = 422 if form.errors else 200
    return render(request, "web/reports/schedule.html", context, status=status)
