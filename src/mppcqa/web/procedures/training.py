"""Who was shown how a procedure is done: noted, and withdrawn where it was a mistake."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.refused import Refused
from mppcqa.runs import training
from mppcqa.runs.procedures import Training
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell, tell_form
from mppcqa.web.procedures.forms import TrainingForm
from mppcqa.web.procedures.views import page
from mppcqa.web.reading import line


@require_POST
@allowed("runs.add_training")
def add(request: HttpRequest, stage: str) -> HttpResponse:
    """Note that a person was trained for the version in use."""
    form = TrainingForm(request.POST)
    now = training.in_use(stage)
    if now is None:
        messages.error(request, _("Write the procedure first."))
        return redirect("procedure", stage)
    if form.is_valid():
        values = form.cleaned_data
        try:
            training.train(
                values["person"],
                now,
                values["done_on"],
                values["valid_until"],
                by=person(request),
            )
        except Refused as error:
            tell_form(form, error)
        else:
            messages.success(request, _("The training is noted."))
            return redirect("procedure", stage)
    return page(request, stage, form, 422)


@require_POST
@allowed("runs.change_training")
def withdraw(request: HttpRequest, pk: int) -> HttpResponse:
    """Say that a training does not count."""
    found = get_object_or_404(Training.objects.select_related("procedure"), pk=pk)
    try:
        training.withdraw_training(found, line(request.POST, "why", 300), by=person(request))
    except Refused as error:
        tell(request, error)
    else:
        messages.success(request, _("The training counts no more."))
    return redirect("procedure", found.procedure.stage)
