"""Changes by the forms of pages: what a program gives is what a browser would have sent."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, QueryDict
from django.utils.http import quote_etag
from ninja import Schema
from ninja.renderers import JSONRenderer

from mppcqa.api.problems import Faulty
from mppcqa.refused import Fault
from mppcqa.web import edits
from mppcqa.web.asking.fields import NAMES
from mppcqa.web.catalogue.stages_field import StagesField

Value = str | int | float | bool | list[Any] | dict[str, Any] | None
SEVERAL = (forms.MultipleChoiceField, forms.ModelMultipleChoiceField, StagesField)
"""Fields that take a list; `StagesField` as a line each."""


def as_sent(blank: forms.BaseForm, given: Mapping[str, Value]) -> QueryDict:
    """As the form of a page would send it: what is not given stays, null and "" clear a field.

    A list where one value belongs is refused: of several the form would take the last.

    blank
        The form of what is stored, that nobody filled in.
    given
        Field -> value; what another thing is, by its name.
    """
    stored = {one.name: list(one.stored) for one in edits.parts_of(blank)}
    data = QueryDict(mutable=True)
    faults = []
    for name, field in blank.fields.items():
        if name in given and (fault := _no_value_of(field, given[name])):
            faults.append(Fault(fault, field=name))
            continue
        texts = _texts(field, given[name]) if name in given else stored.get(name, [])
        data.setlist(name, texts)
    if faults:
        raise Faulty(faults)
    return data


def refuse_faults(form: forms.BaseForm, names: Mapping[str, str] | None = None) -> None:
    """`Faulty` with all that is wrong with what was given, by the API's names of the fields."""
    if form.is_valid():
        return
    named = names or {}
    raise Faulty(
        Fault(str(text), field="" if name == "__all__" else named.get(name, name))
        for name, texts in form.errors.items()
        for text in texts
    )


def changed_meanwhile(request: HttpRequest, told: Schema) -> bool:
    """Whether `If-Match` names another state than the one that a GET would answer with now."""
    asked = request.headers.get("If-Match", "*").strip()
    if asked == "*":
        return False
    text = JSONRenderer().render(None, told.model_dump(), response_status=200)  # type: ignore[arg-type]
    return asked != quote_etag(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def _no_value_of(field: forms.Field, value: Value) -> str:
    """Why a field can't take what JSON has there; empty where it can."""
    if isinstance(field, forms.JSONField):
        return ""
    if isinstance(value, dict):
        return "One value belongs here, not names with values."
    if not isinstance(value, list):
        return ""
    if not isinstance(field, SEVERAL):
        return "One value belongs here, not a list."
    named = all(isinstance(one, str | int) for one in value)
    return "" if named else "A list of names belongs here."


def _texts(field: forms.Field, value: Value) -> list[str]:
    if isinstance(field, forms.JSONField) and isinstance(value, list | dict):
        return [json.dumps(value)]
    if isinstance(value, bool):
        return ["on"] if value else []
    listed = value if isinstance(value, list) else [] if value is None else [value]
    if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
        return [key_of(field.queryset, str(one)) for one in listed if one != ""]
    texts = [str(one) for one in listed]
    return ["\n".join(texts)] if isinstance(field, StagesField) else texts


def key_of(rows: Any, text: str) -> str:
    """The key of the row that people call so; the text itself where there is none."""
    there = {one.name for one in rows.model._meta.get_fields()}
    for name in NAMES:
        if name in there and (row := rows.filter(**{name: text}).first()):
            return str(row.pk)
    return text
