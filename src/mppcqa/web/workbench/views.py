"""The page on which anything that was measured is asked about over the whole campaign."""

from __future__ import annotations

import csv
import io
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from mppcqa import charts
from mppcqa.columnar.questions import Questions
from mppcqa.inventory.models import Tag
from mppcqa.inventory.scope import scope_of
from mppcqa.queue.actions import submit
from mppcqa.results.models import Outcome
from mppcqa.web.charting import place_chart
from mppcqa.web.workbench.answer import Answer, answer
from mppcqa.web.workbench.asked import BY, KINDS, Asked, read
from mppcqa.web.workbench.names import names_of
from mppcqa.web.workbench.saved import saved_questions

FILTERS = ("lot", "maker", "type", "tray", "station", "operator", "location")
MOST_CHOICES = 500
ASKED_AFTER = 20_000
"""Values that are not in the copy before a question has it brought up to date."""


@require_GET
def workbench(request: HttpRequest) -> HttpResponse:
    """``?q=QUANTITY&at=CONDITION&kind=KIND&by=GROUP`` and what devices and values are chosen by;
    ``as=csv|svg|png|pdf`` gives the answer to take away."""
    asked = read(request.GET)
    context: dict[str, Any] = {"asked": asked, "kinds": KINDS, "by": BY}
    if asked.first is None and not asked.faults:
        return render(request, "web/workbench/workbench.html", context)
    questions = Questions(scope_of(request.user), asked.chosen)
    _follow(questions)
    wanted = request.GET.get("as", "")
    if wanted not in ("", "csv", "svg", "png", "pdf"):
        asked.faults.append(_("An answer is given as csv, svg, png or pdf."))
    if not asked.faults:
        found = answer(asked, questions, request.user)
        if wanted == "pdf":
            return _on_paper(request, found, _question(asked, _choices(request, asked, questions)))
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
    given = asked.given
    filters = []
    for name in FILTERS:
        ids = questions.choices(name)[:MOST_CHOICES]
        names = names_of(name, ids, request.user)
        options = sorted(((str(pk), names[pk]) for pk in ids), key=lambda one: one[1])
        if options:
            filters.append((name, BY[name], options, given.getlist(name)))
    layout, snapshot = questions.snapshot.layout, questions.snapshot
    tags = [(str(pk), name) for pk, name in Tag.objects.values_list("pk", "name")[:MOST_CHOICES]]
    plain = given.copy()
    for name in ("as", "from"):
        plain.pop(name, None)
    return {
        "filters": filters,
        "tags": tags,
        "outcomes": [(str(one.value), str(one.label)) for one in Outcome],
        "quantities": [(key, one.title) for key, one in asked.quantities.items()],
        "first": str(asked.first.quantity) if asked.first else "",
        "at": [at.text for at in asked.first.at] if asked.first else [],
        "second": str(asked.second.quantity) if asked.second else "",
        "at2": [at.text for at in asked.second.at] if asked.second else [],
        "saved": saved_questions(request.user),
        "plain": plain.urlencode(),
        "age_s": layout.age_s,
        "fresh": snapshot.fresh,
        "missing": snapshot.missing,
    }


def _question(asked: Asked, choices: dict[str, Any]) -> list[tuple[str, str]]:
    """What was asked, in words: each choice that says something."""
    given, titles = asked.given, dict(choices["quantities"])
    several = {
        **{name: (str(label), dict(options)) for name, label, options, _c in choices["filters"]},
        "tag": (_("tag"), dict(choices["tags"])),
        "outcome": (_("verdict"), dict(choices["outcomes"])),
    }
    said = [
        (_("Quantity"), titles.get(choices["first"], "")),
        (_("Conditions"), _points(asked, "at", choices["at"])),
        (_("Shown as"), str(KINDS[asked.kind])),
        (_("Grouped by"), str(BY[asked.by]) if asked.by else ""),
    ]
    if asked.kind == "pairs":
        said.append((_("Second quantity"), titles.get(choices["second"], "")))
        said.append((_("Its conditions"), _points(asked, "at2", choices["at2"])))
    for name, (label, names) in several.items():
        chosen = [names.get(key, key) for key in given.getlist(name)]
        said.append((capfirst(label), ", ".join(map(str, chosen))))
    plain = {
        "device": _("Device"),
        "channel": _("channel"),
        "since": _("Measured since"),
        "until": _("Measured until"),
        "low": _("Values from"),
        "high": _("Values to"),
    }
    said += [(title, given.get(name, "")) for name, title in plain.items()]
    if given.get("rq"):
        bounds = f"{given.get('rlow', '') or '…'} – {given.get('rhigh', '') or '…'}"
        said.append((_("Only where"), f"{titles.get(given['rq'], given['rq'])}: {bounds}"))
    return [(title, text) for title, text in said if text]


def _points(asked: Asked, name: str, chosen: list[str]) -> str:
    words = dict(asked.points.get(name, ()))
    return "; ".join(str(words.get(text, text)) for text in chosen if text and text != "*")


def _on_paper(request: HttpRequest, found: Answer, question: list[tuple[str, str]]) -> HttpResponse:
    """The answer as a report, on the paper that ``?paper=`` names."""
    from mppcqa.charts.render import to_print
    from mppcqa.reports.answer import PrintedAnswer, lay_out
    from mppcqa.reports.document import PAPERS
    from mppcqa.reports.look import look_of

    paper = request.GET.get("paper", "")
    data = lay_out(
        PrintedAnswer(
            title=found.title,
            question=question,
            heads=[str(head) for head, _css in found.heads],
            rows=[[one[0] if isinstance(one, tuple) else one for one in row] for row in found.rows],
            facts=[(str(title), str(value)) for title, value in found.facts],
            notes=[str(note) for note in found.notes],
            chart=b"" if found.chart is None else to_print(found.chart),
            numbers=frozenset(k for k, (_head, css) in enumerate(found.heads) if css),
        ),
        paper if paper in PAPERS else "A4",
        look_of(None),
    )
    response = HttpResponse(data, content_type="application/pdf")
    response["Content-Disposition"] = 'inline; filename="answer.pdf"'
    return response


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
