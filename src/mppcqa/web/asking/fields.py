"""The arguments of a routine as fields of a form, and back."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.apps import apps
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.queue.actions import LAST_PRIORITY
from mppcqa.queue.registry import Parameter, Routine
from mppcqa.typed import whole

PREFIX = "a-"
"""Before the names of arguments, so that they are not those of other fields."""
MOST_CHOICES = 200
"""Rows that are chosen from a list; of more, one is typed by its name or number."""
NAMES = ("serial", "name", "title")

PRIORITIES = [
    (
        n,
        {0: gettext_lazy("0, first"), 5: gettext_lazy("5, usual"), 9: gettext_lazy("9, last")}.get(
            n, n
        ),
    )
    for n in range(LAST_PRIORITY + 1)
]


class NamedRow(forms.CharField):
    """One of many rows, typed as people call it."""

    def __init__(self, rows: QuerySet[Any], **named: Any) -> None:
        super().__init__(max_length=200, **named)
        self.rows = rows

    def prepare_value(self, value: Any) -> Any:
        return getattr(value, "pk", value)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        there = {one.name for one in self.rows.model._meta.get_fields()}
        for name in NAMES:
            if name in there and (row := self.rows.filter(**{name: text}).first()):
                return row
        number = whole(text)
        row = None if number is None else self.rows.filter(pk=number).first()
        if row is None:
            kind = self.rows.model._meta.verbose_name
            raise forms.ValidationError(
                _("There is no %(kind)s “%(text)s”.") % {"kind": kind, "text": text}
            )
        return row


def of_person(routine: Routine, user: Any) -> list[Parameter]:
    """What a person may say of a routine."""
    return [one for one in routine.parameters if not one.right or user.has_perm(one.right)]


def may_ask(routine: Routine, user: Any) -> bool:
    """Whether a person may ask for a routine by a form."""
    return routine.by_form and (not routine.right or user.has_perm(routine.right))


def argument_fields(routine: Routine, user: Any, given: dict[str, Any]) -> dict[str, forms.Field]:
    """A field for each argument; `given` has those that were chosen with the routine."""
    return {f"{PREFIX}{one.name}": _field(one, user, given) for one in of_person(routine, user)}


def _field(one: Parameter, user: Any, given: dict[str, Any]) -> forms.Field:
    usual: dict[str, Any] = {
        "label": one.title,
        "help_text": one.told,
        "required": one.needed,
        "initial": None if one.needed or one.default in ("", 0) else one.default,
    }
    if one.first:
        return forms.CharField(widget=forms.HiddenInput, **{**usual, "initial": given[one.name]})
    if one.of:
        return _row_field(one.of if isinstance(one.of, str) else one.of(given), user, usual)
    if one.choices is not None:
        none = [] if one.needed or one.default else [("", "—")]
        return forms.ChoiceField(choices=[*none, *one.choices()], **usual)
    if one.kind is bool:
        return forms.BooleanField(**{**usual, "required": False, "initial": one.default})
    if one.kind is int:
        return forms.IntegerField(min_value=-(10**9), max_value=10**9, **usual)
    if one.kind is float:
        return forms.FloatField(**usual)
    return forms.CharField(max_length=500, **usual)


def _row_field(label: str, user: Any, usual: dict[str, Any]) -> forms.Field:
    rows = seen_rows(label, user)
    if rows.order_by()[: MOST_CHOICES + 1].count() > MOST_CHOICES:
        return NamedRow(rows, **usual)
    return forms.ModelChoiceField(rows, **usual)


def seen_rows(label: str, viewer: Any) -> QuerySet[Any]:
    """Rows of a table that a person sees; of what hangs on no device or run, all."""
    manager: Any = apps.get_model(label)._default_manager
    return manager.visible_to(viewer) if hasattr(manager, "visible_to") else manager.all()  # type: ignore[no-any-return]


def arguments_of(routine: Routine, cleaned: dict[str, Any]) -> dict[str, Any]:
    """The arguments that a form brought, without those that say nothing."""
    found = {}
    for one in routine.parameters:
        value = cleaned.get(f"{PREFIX}{one.name}")
        value = getattr(value, "pk", value)
        if value in (None, "") or (not one.needed and value == one.default):
            continue
        found[one.name] = value
    return found


def kept_words(routine: Routine, cleaned: dict[str, Any]) -> str:
    """What the arguments mean, kept for who reads a list: names of rows, and values, as JSON.

    Titles and choices are not in it, so that each reader has them in a language of their own.
    """
    kept = [
        [name, str(cleaned[f"{PREFIX}{name}"]) if _parameter(routine, name).of else value]
        for name, value in arguments_of(routine, cleaned).items()
    ]
    return json.dumps(kept, default=str)


def words_of(routine: Routine, kept: str) -> str:
    """What `kept_words` kept, in the language of whoever reads it."""
    try:
        pairs = [(_parameter(routine, name), value) for name, value in json.loads(kept)]
    except (ValueError, TypeError, StopIteration):
        return kept  # words of an earlier release, or a parameter that the routine had then
    words = []
    for one, value in pairs:
        if isinstance(value, bool):
            words.append(str(one.title) if value else f"{one.title}: {_('no')}")
        elif one.of:
            words.append(str(value))
        elif one.choices is not None:
            words.append(str(dict(one.choices()).get(value, value)))
        else:
            words.append(f"{one.title} {value}")
    return ", ".join(words)[:200]


def _parameter(routine: Routine, name: str) -> Parameter:
    return next(one for one in routine.parameters if one.name == name)


def as_typed(arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments as the first values of their fields."""
    return {f"{PREFIX}{name}": value for name, value in arguments.items()}


def first_of(routine: Routine, source: dict[str, Any]) -> dict[str, Any]:
    """What was chosen together with the routine; raises `KeyError` where it was not."""
    return {
        one.name: _known(one, source.get(one.name) or source.get(f"{PREFIX}{one.name}"))
        for one in routine.parameters
        if one.first
    }


def _known(one: Parameter, value: Any) -> Any:
    if one.choices is not None and value not in dict(one.choices()):
        raise KeyError(one.name)
    return value
