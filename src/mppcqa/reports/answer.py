"""An answer of the workbench on paper: the question in words, the chart, the table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from reportlab.platypus import Spacer

import mppcqa
from mppcqa.charts.paper.lettering import BOLD, printable, width_of
from mppcqa.columnar.models import SavedQuestion
from mppcqa.columnar.questions import Questions
from mppcqa.digits import number
from mppcqa.inventory.scope import scope_of
from mppcqa.public_address import PublicAddress
from mppcqa.refused import Refused
from mppcqa.reports.document import SMALL, WIDTH, build, paragraph
from mppcqa.reports.inputs import look_inputs
from mppcqa.reports.kinds import ReportKind, Written
from mppcqa.reports.layout import beside_each_other
from mppcqa.reports.letterhead import closing, letterhead, running
from mppcqa.reports.look import PLAIN, Look, look_of
from mppcqa.reports.pieces import facts_table, title_style
from mppcqa.reports.rows import GAP, SIZE, Rows, broken
from mppcqa.views.texts import NONE
from mppcqa.views.workbench.answer import answer
from mppcqa.views.workbench.asked import read
from mppcqa.views.workbench.page import Answer
from mppcqa.views.workbench.words import choices, in_words

FIRST, WIDEST = 150.0, 120.0
"""Widths [points] of the first column and of any other at most; longer texts are broken."""
ACROSS = 3
"""Charts beside each other, where there are several."""


TOLD = 100
"""Rows whose numbers are kept, to compare a later answer with."""


class NoAnswer(Refused):
    """The question can't be asked any more."""


@dataclass(frozen=True)
class Said:
    """What is printed."""

    name: str
    words: Sequence[tuple[str, str]]
    """What was asked, title and words."""
    found: Answer


def answered(question: SavedQuestion, paper: str = "A4", look: Look = PLAIN) -> Written:
    """The answer to a kept question as its owner sees the campaign now."""
    asked = read(QueryDict(question.asked))
    if asked.first is None and not asked.faults:
        asked.faults.append(_("Nothing has been measured yet."))
    if asked.faults:
        raise NoAnswer(asked.faults)
    owner = question.owner
    questions = Questions(scope_of(owner), asked.chosen)
    found = answer(asked, questions, owner)
    if missing := questions.snapshot.missing:
        text = ngettext(
            "%d value is still being taken in and is not in this answer.",
            "%d values are still being taken in and are not in this answer.",
            missing,
        )
        found.notes.append(text % missing)
    if found.later:
        text = _("The first %d values are listed; the workbench has them all.")
        found.notes.append(text % len(found.rows))
    words = in_words(asked, choices(asked, questions, owner))
    rows = [[_text(cell) for cell in row] for row in found.rows]
    heads = [str(head) for head, _css in found.heads]
    # To tell two answers apart; all rows of one may be many.
    told = hashlib.sha256(json.dumps([heads, rows], ensure_ascii=False).encode()).hexdigest()
    inputs = {
        "mppcqa": mppcqa.__version__,
        "asked": question.asked,
        "answer": told,
        "numbers": [
            [row[0], head, text]
            for row in rows[:TOLD]
            for head, text in list(zip(heads, row, strict=False))[1:]
        ],
        **look_inputs(look),
    }
    data = lay_out(Said(question.name, words, found), paper, look)
    return Written(data, question.name, inputs)


def lay_out(said: Said, paper: str = "A4", look: Look = PLAIN) -> bytes:
    """PDF of an answer: the same bytes for the same answer."""
    kind, name, found = _("Answer of the workbench"), said.name, said.found
    facts = [(str(title), str(value)) for title, value in found.facts]
    story: list[Any] = [
        *letterhead(look),
        paragraph(kind, SMALL),
        paragraph(name, title_style(name)),
        facts_table([*said.words, *facts], WIDTH),
        Spacer(1, 8),
        *beside_each_other(found.printed, 1 if len(found.printed) == 1 else ACROSS),
    ]
    story += [paragraph(str(note), SMALL) for note in found.notes]
    rows = [[_text(cell) for cell in row] for row in found.rows]
    numbers = frozenset(k for k, (_head, css) in enumerate(found.heads) if css)
    story += _tables([str(head) for head, _css in found.heads], rows, numbers)
    if not rows:
        story.append(paragraph(_("No value is as asked.")))
    story += closing(look)
    footer = _("%(title)s; mppcqa %(version)s") % {"title": name, "version": mppcqa.__version__}
    title = f"{kind}: {name}"
    return build(story, title=title, footer=footer, paper=paper, head=running(look, title))


def _tables(
    titles: Sequence[str], rows: Sequence[Sequence[str]], numbers: frozenset[int]
) -> list[Any]:
    """As many tables as the columns need, the first column in each."""
    if not rows:
        return []
    wide = [_width(head, rows, k) for k, head in enumerate(titles)]
    story: list[Any] = []
    left = list(range(1, len(wide)))
    while left or not story:
        taken, room = [0], WIDTH - wide[0]
        while left and (wide[left[0]] <= room or taken == [0]):
            room -= wide[left[0]]
            taken.append(left.pop(0))
        heads = [titles[k] for k in taken]
        cells = [[row[k] for k in taken] for row in rows]
        right = [n for n, k in enumerate(taken) if k in numbers]
        lines = broken(heads, cells, [wide[k] for k in taken], right=right)
        story += [Spacer(1, 8), Rows(lines)]
    return story


def _width(head: str, rows: Sequence[Sequence[str]], column: int) -> float:
    most = max(width_of(printable(row[column]), SIZE) for row in rows)
    words = max((width_of(printable(one), SIZE, BOLD) for one in head.split()), default=0.0)
    return min(max(most, words) + GAP + 2, WIDEST if column else FIRST)


def _text(cell: Any) -> str:
    if isinstance(cell, tuple):
        cell = cell[0]  # what it leads to is for pages
    if cell is None or cell == "":
        return NONE
    return number(cell) if isinstance(cell, float) else str(cell)


def _write(row: Any, _address: PublicAddress, paper: str) -> Written:
    return answered(row, paper, look_of(None))


KIND = ReportKind(
    "answer", gettext_lazy("Answer of the workbench"), "columnar.savedquestion", _write
)
