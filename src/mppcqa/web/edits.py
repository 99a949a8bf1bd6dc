"""Two who edit one thing: a form knows what it was opened on.

Each form that changes something carries a mark of the state that it showed. What is stored is
compared with it in the transaction that saves; where somebody changed it meanwhile, nothing is
saved, and a page shows what is stored now beside what was typed, to choose from. A view does so:

    with edits.changing(request):
        row = edits.locked(Thing, pk)
        edit = edits.begin(request, row, edits.parts_of(ThingForm(instance=row)))
        if edit.conflict:
            return edit.both()
        form = ThingForm(edit.data, instance=row)
        ...
        edit.saved(form.save(), edits.parts_of(ThingForm(instance=row)))

and its template has ``{{ ui.mark(edit.mark) }}`` in the form. What only adds needs none of this.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from django import forms
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render

from mppcqa import typed
from mppcqa.views.changes import last_change
from mppcqa.web.models import LastSave

MARK = "opened"
PICK = "pick-"
"""A field's choice on the page that shows both: ``stored``, or what was typed."""
Model = TypeVar("Model", bound=models.Model)
Texts = Sequence[str]


@dataclass(frozen=True)
class Part:
    """One thing that a form may change, as it is stored now."""

    name: str
    label: Any
    stored: Texts = ()
    """What a browser would send for it."""
    in_words: Callable[[Texts], str] = "; ".join
    only_seen: bool = False
    """Whether it is no field of the form, but what a person decided by."""


def part(name: str, label: Any, value: Any, *, only_seen: bool = False) -> Part:
    """A part of one text."""
    stored = () if value in (None, "") else (str(value),)
    return Part(name, label, stored, only_seen=only_seen)


def parts_of(form: forms.BaseForm) -> list[Part]:
    """The fields of a form that nobody filled in yet: what is stored."""
    return [
        Part(bound.html_name, bound.label, _sent(bound), partial(_words, bound))
        for bound in form
        if not bound.is_hidden
    ]


def _sent(bound: forms.BoundField) -> Texts:
    widget, value = bound.field.widget, bound.value()
    if isinstance(widget, forms.CheckboxInput):
        return ("on",) if value else ()
    found = widget.format_value(value)
    texts = found if isinstance(found, list | tuple) else [found]
    return [str(text) for text in texts if text not in (None, "")]


def _words(bound: forms.BoundField, texts: Texts) -> str:
    """Names of what was chosen; all else as it was typed."""
    choices = getattr(bound.field, "choices", None)
    if choices is None:
        return "; ".join(texts)
    wanted = set(texts)
    return ", ".join(str(title) for key, title in choices if str(key) in wanted)


@dataclass(frozen=True)
class Line:
    """A part in which what is stored differs from what was typed."""

    name: str
    label: Any
    stored: str
    yours: str | None
    """None where nothing was to be typed."""
    keep_stored: bool
    """Whether the person had left it alone, so that the other's is meant."""


@dataclass
class Edit:
    """A form on its way: opened on one state, and perhaps coming back to another."""

    request: HttpRequest
    subject: models.Model | None
    parts: list[Part]
    leave: str
    """Where who leaves it as it is goes to."""
    data: QueryDict | None = None
    """What was sent; None where the form is only looked at."""
    lines: list[Line] = field(default_factory=list)
    known_by: list[Part] | None = None
    """What says whose the last save is, where this form shows only some of it."""

    @property
    def sent(self) -> QueryDict:
        """What was sent; nothing where the form is only looked at."""
        return QueryDict() if self.data is None else self.data

    @property
    def conflict(self) -> bool:
        """Whether saving would undo what the person did not see."""
        return bool(self.lines)

    @property
    def mark(self) -> str:
        """What says in a hidden field what the form was opened on."""
        return mark_of(self.parts)

    def both(self) -> HttpResponse:
        """What is stored now beside what was typed; nothing is saved before one was chosen."""
        data = self.sent
        left_out = (MARK, "csrfmiddlewaretoken")
        context = {
            "edit": self,
            "fields": [
                (name, text)
                for name, texts in data.lists()
                for text in texts
                if name not in left_out and not name.startswith(PICK) and "password" not in name
            ],
            "by": last_save(self.subject, self.known_by or self.parts),
            "changed": self.subject and last_change(type(self.subject), self.subject.pk),
            "action": self.request.get_full_path(),
        }
        return render(self.request, "web/layout/edited_meanwhile.html", context, status=409)

    def saved(self, subject: models.Model, parts: Iterable[Part]) -> None:
        """Note who made it what it is now: the next one may want to know."""
        state = _digest(mark_of(parts))
        key: dict[str, Any] = _key(subject)
        LastSave.objects.update_or_create(
            **key, defaults={"by_id": self.request.user.pk, "state": state}
        )


def changing(request: HttpRequest) -> AbstractContextManager[Any]:
    """The transaction of a change; looking at a form needs none."""
    return transaction.atomic() if request.method == "POST" else nullcontext()


def locked(rows: type[Model] | models.QuerySet[Model], **named: Any) -> Model:
    """The row, held until the transaction's end: of two who save, one comes second."""
    found = rows._default_manager.all() if isinstance(rows, type) else rows
    if transaction.get_connection().in_atomic_block:
        found = found.select_for_update()
    return get_object_or_404(found, **named)


def begin(
    request: HttpRequest, subject: models.Model | None, parts: Iterable[Part], leave: str = "/"
) -> Edit:
    """What was sent, if anything, against what is stored; `subject` is None for a new thing."""
    edit = Edit(request, subject, list(parts), leave)
    if request.method != "POST":
        return edit
    opened, now = _opened(request.POST), _digests(edit.parts)
    edit.data = _picked(request.POST, edit.parts)
    if opened == now:
        return edit
    for one in edit.parts:
        yours, stored = _clean(edit.data.getlist(one.name)), _clean(one.stored)
        if one.only_seen:
            if opened.get(one.name) != now[one.name]:
                edit.lines.append(Line(one.name, one.label, one.in_words(stored), None, True))
        elif yours != stored:
            left = opened.get(one.name) == _digest_of(yours)
            words = one.in_words(stored), one.in_words(yours)
            edit.lines.append(Line(one.name, one.label, *words, left))
    return edit


def _picked(sent: QueryDict, parts: Iterable[Part]) -> QueryDict:
    """What was sent, with what is stored where somebody chose that."""
    data = sent.copy()
    for one in parts:
        if data.get(PICK + one.name) == "stored":
            data.setlist(one.name, list(one.stored))
    return data


def _clean(texts: Texts) -> list[str]:
    return sorted(text.replace("\r\n", "\n").strip() for text in texts if text.strip())


def _digest_of(texts: list[str]) -> str:
    return _digest(json.dumps(texts))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _digests(parts: Iterable[Part]) -> dict[str, str]:
    return {one.name: _digest_of(_clean(one.stored)) for one in parts}


def mark_of(parts: Iterable[Part]) -> str:
    """Value of the hidden field of a form that shows these."""
    return json.dumps(_digests(parts), separators=(",", ":"))


def _opened(sent: Mapping[str, str]) -> dict[str, str]:
    """The mark that came back; one that can't be read is of nothing."""
    try:
        found = typed.json_document(sent.get(MARK, "{}"))
    except typed.NotReadable:
        return {}
    return found if isinstance(found, dict) else {}


def _key(subject: models.Model) -> dict[str, str]:
    return {"kind": subject._meta.label_lower, "key": str(subject.pk)}


def last_save(
    subject: models.Model | None, parts: Iterable[Part]
) -> tuple[str, dt.datetime] | None:
    """Who made it what it is now, and when; None where it was no form, or nobody noted it."""
    if subject is None:
        return None
    row = LastSave.objects.filter(**_key(subject)).select_related("by").first()
    if row is None or row.by is None or row.state != _digest(mark_of(parts)):
        return None
    return row.by.get_username(), row.at
