"""``/api/v1/catalogue``: makers, types, lots, institutes, stations, by the forms of pages."""

from __future__ import annotations

from typing import Annotated, Any

from django import forms
from django.db import transaction
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from ninja import Body, Path, Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from mppcqa.api.asking import one_of, who, with_right
from mppcqa.api.by_form import Value, as_sent, changed_meanwhile, refuse_faults
from mppcqa.api.lists import MOST, USUAL, Text
from mppcqa.api.once import once
from mppcqa.api.problems import Faulty, problem
from mppcqa.api.runs import Number
from mppcqa.refused import Fault
from mppcqa.web import edits
from mppcqa.web.catalogue.entries import ENTRIES, Entry

router = Router(tags=["catalogue"])
Given = Annotated[
    dict[Text, Value],
    Field(
        description="Field -> value; what another thing is, by its name. 422 names every field.",
        examples=[{"name": "S12045(X)", "rows": 4, "columns": 4}],
    ),
]


class EntryOut(Schema):
    """A thing of the catalogue."""

    id: int
    name: str
    fields: dict[str, str | list[str]] = Field(description="As the form of its page has them.")


class Entries(Schema):
    """Things of one kind, in the order in which they were made."""

    items: list[EntryOut]
    next: str | None


class EntryQuery(Schema):
    """A page."""

    after: int = Field(0, ge=0, lt=2**31, description="`next` of the page before.")
    limit: int = Field(USUAL, ge=1, le=MOST)


class KindOut(Schema):
    """A kind of thing."""

    kind: str
    title: str
    fields: dict[str, str] = Field(description="Field -> what it is called.")
    needed: list[str] = Field(description="Fields without a default that can't be empty.")


class Kinds(Schema):
    """What there is to look after."""

    items: list[KindOut]


def _entry(kind: str) -> Entry:
    if kind not in ENTRIES:
        raise HttpError(404, f"There is no kind “{kind}”; there is: {', '.join(ENTRIES)}.")
    return ENTRIES[kind]


@router.get("", response=Kinds, summary="List kinds of things")
def kinds(request: HttpRequest) -> Any:
    """What the catalogue keeps, and the fields of each."""
    user = who(request)
    forms_of = {key: one.form(viewer=user) for key, one in ENTRIES.items()}
    return {
        "items": [
            {
                "kind": key,
                "title": str(ENTRIES[key].title),
                "fields": {name: str(one.label or name) for name, one in form.fields.items()},
                "needed": [name for name in form.fields if _is_needed(form, name)],
            }
            for key, form in forms_of.items()
        ]
    }


def _is_needed(form: forms.BaseForm, name: str) -> bool:
    """Whether it must be given: it can't be empty, and the form brings no value of its own."""
    field = form.fields[name]
    return field.required and form.get_initial_for_field(field, name) in field.empty_values


def _told(entry: Entry, row: Any, user: Any) -> EntryOut:
    form = entry.form(instance=row, viewer=user)
    parts = {one.name: one for one in edits.parts_of(form)}
    found: dict[str, str | list[str]] = {}
    for name, field in form.fields.items():
        stored = list(parts[name].stored) if name in parts else []
        if isinstance(field, forms.ModelChoiceField):
            stored = [one for one in parts[name].in_words(stored).split(", ") if one]
        several = isinstance(field, forms.MultipleChoiceField | forms.ModelMultipleChoiceField)
        found[name] = stored if several else (stored or [""])[0]
    return EntryOut(id=row.pk, name=str(row), fields=found)


@router.get("/{kind}", response=Entries, summary="List things of a kind")
def entries(request: HttpRequest, kind: str, asked: Query[EntryQuery]) -> Any:
    """A page of them."""
    entry, user = _entry(kind), who(request)
    rows = list(entry.rows(user).order_by("pk").filter(pk__gt=asked.after)[: asked.limit + 1])
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    return {
        "items": [_told(entry, row, user) for row in rows],
        "next": str(rows[-1].pk) if more else None,
    }


@router.get("/{kind}/{number}", response=EntryOut, summary="One thing of the catalogue")
def one(request: HttpRequest, kind: str, number: Path[Number]) -> Any:
    """With the fields of its form."""
    entry, user = _entry(kind), who(request)
    return _told(entry, one_of(entry.rows(user), kind, pk=number), user)


def _saved(entry: Entry, given: Given, row: Any, user: Any) -> EntryOut:
    blank = entry.form(instance=row, viewer=user)
    if strange := [name for name in given if name not in blank.fields]:
        there = ", ".join(blank.fields)
        text = "There is no field “{}”; there is: {}."
        raise Faulty(Fault(text.format(name, there), field=name) for name in strange)
    form = entry.form(as_sent(blank, given), instance=row, viewer=user)
    refuse_faults(form)
    return _told(entry, form.save(), user)


@router.post("/{kind}", response={201: EntryOut}, summary="Make a thing of the catalogue")
@once
def make(request: HttpRequest, kind: str, said: Body[Given]) -> Any:
    """By the fields of its form."""
    entry = _entry(kind)
    user = with_right(request, entry.add_right)
    with transaction.atomic():
        return Status(201, _saved(entry, said, None, user).model_dump())


@router.patch("/{kind}/{number}", response=EntryOut, summary="Change a thing of the catalogue")
def change(request: HttpRequest, kind: str, number: Path[Number], said: Body[Given]) -> Any:
    """What is not given stays. With `If-Match` and the ETag that was read, 412 where it changed."""
    entry = _entry(kind)
    user = with_right(request, entry.change_right)
    with transaction.atomic():
        row = one_of(entry.rows(user).select_for_update(), kind, pk=number)
        if changed_meanwhile(request, _told(entry, row, user)):
            return problem(412, f"{row} was changed meanwhile: read it again, then change it.")
        return _saved(entry, said, row, user)


@router.delete("/{kind}/{number}", response={204: None}, summary="Remove from the catalogue")
def remove(request: HttpRequest, kind: str, number: Path[Number]) -> Any:
    """A thing that nothing refers to."""
    entry = _entry(kind)
    user = with_right(request, entry.delete_right)
    try:
        with transaction.atomic():
            row = one_of(entry.rows(user).select_for_update(), kind, pk=number)
            entry.remove(row)
    except ProtectedError as error:
        text = f"{row} is in use ({len(error.protected_objects)} times) and stays."
        return problem(409, text)
    return HttpResponse(status=204)
