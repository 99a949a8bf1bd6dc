"""The page on which anything that was measured is asked about over the whole campaign."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa import charts
from mppcqa.columnar.questions import Questions
from mppcqa.inventory.scope import scope_of
from mppcqa.queue.actions import submit
from mppcqa.views.workbench.answer import answer
from mppcqa.views.workbench.asked import BY, KINDS, Asked, read
from mppcqa.views.workbench.page import Answer
from mppcqa.views.workbench.words import choices
from mppcqa.web.charting import place_chart
from mppcqa.web.workbench.saved import saved_questions

ASKED_AFTER = 20_000
"""Values that are not in the copy before a question has it brought up to date."""


@require_GET
def workbench(request: HttpRequest) -> HttpResponse:
    """``?q=QUANTITY&at=CONDITION&kind=KIND&by=GROUP`` and what devices and values are chosen by;
    ``as=csv|svg|png`` gives the answer to take away."""
    asked = read(request.GET)
    context: dict[str, Any] = {"asked": asked, "kinds": KINDS, "by": BY}
    if asked.first is None and not asked.faults:
        return render(request, "web/workbench/workbench.html", context)
    questions = Questions(scope_of(request.user), asked.chosen)
    _follow(questions)
    wanted = request.GET.get("as", "")
    if wanted not in ("", "csv", "svg", "png"):
        asked.faults.append(_("An answer is given as csv, svg or png."))
    if not asked.faults:
        found = answer(asked, questions, request.user)
        if wanted and (wanted == "csv" or found.chart is not None):
            return _taken_away(found, wanted)
        context["answer"] = found
        if found.chart is not None:
            context["chart"] = place_chart("answer", found.title, found.chart)
    context |= _choices(request, asked, questions)
    status = 400 if asked.faults else 200
    return render(request, "web/workbench/workbench.html", context, status=status)


def _follow(questions: Questions) -> None:
    """Have the copy brought up to date where much is not in it."""
    if questions.snapshot.fresh + questions.snapshot.missing > ASKED_AFTER:
        submit("columnar.follow", key="columnar.follow")


def _choices(request: HttpRequest, asked: Asked, questions: Questions) -> dict[str, Any]:
    layout, snapshot = questions.snapshot.layout, questions.snapshot
    found = choices(asked, questions, request.user)
    plain = asked.given.copy()
    for name in ("as", "from"):
        plain.pop(name, None)
    return {
        "filters": found.filters,
        "tags": found.tags,
        "outcomes": found.outcomes,
        "quantities": [(key, one.title) for key, one in asked.quantities.items()],
        "first": str(asked.first.quantity) if asked.first else "",
        "at": [at.text for at in asked.first.at] if asked.first else [],
        "second": str(asked.second.quantity) if asked.second else "",
        "at2": [at.text for at in asked.second.at] if asked.second else [],
        "saved": saved_questions(request.user),
        "bound": scope_of(request.user).bound,
        "plain": plain.urlencode(),
        "age_s": layout.age_s,
        "fresh": snapshot.fresh,
        "missing": snapshot.missing,
    }


def _taken_away(found: Answer, wanted: str) -> HttpResponse:
    """The table, or the chart as a picture."""
    kinds = {"csv": "text/csv; charset=utf-8", "svg": "image/svg+xml", "png": "image/png"}
    body: str | bytes
    if wanted == "csv":
        text = io.StringIO()
        writer = csv.writer(text)
        writer.writerow([head for head, _css in found.heads])
        for row in found.rows:
            cells = [cell[0] if isinstance(cell, tuple) else cell for cell in row]
            writer.writerow(["" if cell is None else cell for cell in cells])
        body = "\ufeff" + text.getvalue()
    else:
        body = charts.to_svg(found.chart) if wanted == "svg" else charts.to_png(found.chart)
    response = HttpResponse(body, content_type=kinds[wanted])
    response["Content-Disposition"] = f'attachment; filename="answer.{wanted}"'
    return response
