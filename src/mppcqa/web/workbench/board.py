"""A person's dashboard: kept questions side by side; what is chosen in one narrows the others."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mppcqa.columnar.models import Tile
from mppcqa.columnar.questions import KEYS, Questions
from mppcqa.inventory.scope import scope_of
from mppcqa.typed import whole
from mppcqa.views.workbench.answer import answer
from mppcqa.views.workbench.asked import EVERY, RANGES, Asked, range_names, read
from mppcqa.views.workbench.words import choices, in_words
from mppcqa.web.access import person
from mppcqa.web.charting import place_chart
from mppcqa.web.workbench.saved import saved_questions

MOST = 24
NARROWING = (*KEYS, "outcome", "tag", "since", "until", "channel", "row", "column")
RANGE = tuple(name for letter in RANGES for name in range_names(letter))
"""What a choice narrows the other questions by: groups and times, and the range of a quantity."""


def tiles_of(user: Any) -> QuerySet[Tile]:
    """The parts of a person's dashboard whose questions they still see."""
    seen = Q(question__owner=user) | Q(question__shared=True)
    return Tile.objects.filter(seen, user=user).select_related("question")


@require_GET
def board(request: HttpRequest) -> HttpResponse:
    """The dashboard; the address says what is chosen, and in which question (``tile``)."""
    user = person(request)
    brush = _brush(request.GET)
    tiles = list(tiles_of(user))
    chosen = [one.question_id for one in tiles]
    context: dict[str, Any] = {
        "tiles": tiles,
        "others": saved_questions(user).exclude(pk__in=chosen),
        "asked": request.GET.urlencode(),
        "brushed": bool(brush),
    }
    if brush:
        context |= _in_words(request, brush)
    return render(request, "web/workbench/board.html", context)


@require_GET
def tile(request: HttpRequest, pk: int) -> HttpResponse:
    """The picture of one question, narrowed by what is chosen in another."""
    row = get_object_or_404(tiles_of(person(request)), pk=pk)
    given = QueryDict(row.question.asked, mutable=True)
    brush = _brush(request.GET)
    if request.GET.get("tile") != str(pk):
        for name, values in brush.lists():
            given.setlist(name, values)
    asked = read(given)
    context: dict[str, Any] = {"tile": row, "faults": asked.faults}
    if not asked.faults and asked.first is not None:
        questions = Questions(scope_of(request.user), asked.chosen)
        found = answer(asked, questions, request.user, _lead(pk))
        context["answer"] = found
        context["address"] = f"{reverse('workbench')}?{asked.given.urlencode()}"
        if found.chart is not None:
            context["chart"] = place_chart(f"tile-{pk}", found.title, found.chart)
    return render(request, "web/workbench/tile.html", context)


def _brush(asked: QueryDict) -> QueryDict:
    """The part of an address that narrows."""
    found = QueryDict(mutable=True)
    for name in (*NARROWING, *RANGE):
        if values := asked.getlist(name):
            found.setlist(name, values)
    return found


def _lead(pk: int) -> Any:
    """Where a mark of a tile leads: the same dashboard, narrowed to what the mark stands for."""

    def lead(asked: Asked, given: QueryDict) -> str:
        assert asked.first is not None  # noqa: S101
        chosen = _brush(given)
        if given.get("low") or given.get("high"):
            # What is dragged over two quantities has the other in the first range.
            letter = RANGES[1] if "{low2}" in given.values() else RANGES[0]
            name, at, low, high = range_names(letter)
            chosen[name] = str(asked.first.quantity)
            chosen.setlist(at, [one.text for one in asked.first.at] or [EVERY])
            chosen[low], chosen[high] = given.get("low", ""), given.get("high", "")
        chosen["tile"] = str(pk)
        return f"{reverse('dashboard')}?{chosen.urlencode()}"

    return lead


def _in_words(request: HttpRequest, brush: QueryDict) -> dict[str, Any]:
    """What is chosen, and where the devices are that it leaves."""
    given = brush.copy()
    given["q"], given["kind"], given["by"] = brush.get("rq", ""), "box", "device"
    if rat := brush.getlist("rat"):
        given.setlist("at", rat)
    asked = read(given)
    if asked.faults or asked.first is None:
        return {"faults": asked.faults}
    questions = Questions(scope_of(request.user), asked.chosen)
    # What is shown of the devices, and how, was not chosen here.
    shown = {_("Quantity"), _("Conditions"), _("Shown as"), _("Grouped by")}
    words = in_words(asked, choices(asked, questions, request.user))
    chosen = [one for one in words if one[0] not in shown]
    return {"words": chosen, "devices": f"{reverse('workbench')}?{given.urlencode()}"}


@require_POST
@transaction.atomic
def arrange(request: HttpRequest) -> HttpResponse:
    """Put a question on the dashboard, move one, or take one off."""
    user = person(request)
    action, pk = request.POST.get("action", ""), whole(request.POST.get("pk")) or 0
    mine = Tile.objects.filter(user=user).select_for_update()
    if action == "add":
        question = get_object_or_404(saved_questions(user), pk=pk)
        last = mine.aggregate(last=Max("place"))["last"] or 0
        if mine.count() >= MOST:
            messages.error(request, _("A dashboard has at most %d parts.") % MOST)
        else:
            Tile.objects.get_or_create(user=user, question=question, defaults={"place": last + 1})
    elif action == "remove":
        mine.filter(pk=pk).delete()
    elif action in ("earlier", "later"):
        _move(list(mine), pk, -1 if action == "earlier" else 1)
    return redirect("dashboard")


def _move(tiles: list[Tile], pk: int, by: int) -> None:
    at = next((i for i, one in enumerate(tiles) if one.pk == pk), None)
    if at is None or not 0 <= at + by < len(tiles):
        return
    tiles[at], tiles[at + by] = tiles[at + by], tiles[at]
    for place, one in enumerate(tiles, 1):
        one.place = place
    Tile.objects.bulk_update(tiles, ["place"])
