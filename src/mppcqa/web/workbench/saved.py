"""Questions that are kept under a name."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.columnar.models import SavedQuestion
from mppcqa.columnar.questions import Questions
from mppcqa.inventory.scope import scope_of
from mppcqa.views.workbench.asked import read
from mppcqa.views.workbench.words import choices, in_words
from mppcqa.web.reports.views import about_row

MOST = 2000


def saved_questions(person: object) -> QuerySet[SavedQuestion]:
    """What a person keeps, and what others share."""
    return SavedQuestion.objects.filter(Q(owner=person) | Q(shared=True)).select_related("owner")


@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the question of `asked` as `name`; one of the same name and owner is replaced."""
    text = request.POST.get("asked", "")
    name = " ".join(request.POST.get("name", "").split())
    asked = None
    if len(text) <= MOST and "\0" not in text:
        asked = read(QueryDict(text))
    if asked is None or asked.faults:
        messages.error(request, _("There is no question to keep."))
        return redirect("workbench")
    if not name or len(name) > 100 or "\0" in name:
        messages.error(request, _("Give the question a name of at most 100 characters."))
    else:
        row, _new = SavedQuestion.objects.update_or_create(
            name=name,
            owner_id=request.user.pk,
            defaults={"asked": asked.given.urlencode(), "shared": "shared" in request.POST},
        )
        messages.success(request, _("Kept as “%s”.") % name)
        if "reports" in request.POST:
            return redirect(row)
    return redirect(f"{reverse('workbench')}?{asked.given.urlencode()}")


@require_GET
def question(request: HttpRequest, pk: int) -> HttpResponse:
    """A question that is kept, in words, and the reports of its answers."""
    row: Any = about_row(request, "columnar.savedquestion", pk)
    asked = read(QueryDict(row.asked))
    words = []
    if not asked.faults and asked.first is not None:
        found = Questions(scope_of(request.user), asked.chosen)
        words = in_words(asked, choices(asked, found, request.user))
    context = {
        "about": row,
        "model": "columnar.savedquestion",
        "words": words,
        "faults": asked.faults,
        "address": f"{reverse('workbench')}?{row.asked}",
    }
    return render(request, "web/workbench/question.html", context)


@require_POST
def remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Remove a question of one's own."""
    row = get_object_or_404(SavedQuestion, pk=pk, owner=request.user.pk)
    row.delete()
    messages.success(request, _("“%s” was removed.") % row.name)
    return redirect("workbench")
