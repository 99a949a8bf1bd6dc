"""Reading what forms and addresses bring: by `mppcqa.typed`, with words for who typed it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext as _

from mppcqa import typed
from mppcqa.refused import Refused

TAKES_SCANS = {"data-takes-scans": True}
"""Attribute of a field into which scanners type: of all others `scanner.js` takes scans away."""


class NotTaken(Refused):
    """What was sent can't be taken; the message says why. `OwnPages` shows it as a page."""


def sent(request: HttpRequest) -> QueryDict | None:
    """What a form brought, be it nothing; None where its page is only looked at.

    With `request.POST or None` a form that brings nothing would be one that nobody sent.
    """
    return request.POST if request.method == "POST" else None


def line(asked: Mapping[str, str], name: str, most: int) -> str:
    """A text without blanks around it; `NotTaken` where it is longer than what keeps it."""
    text = asked.get(name, "").strip()
    if len(text) > most:
        raise NotTaken(
            _("“%(begin)s…” is longer than %(most)d characters: go back and shorten it.")
            % {"begin": text[:30], "most": most}
        )
    return text


def whole(asked: Mapping[str, str], name: str) -> int | None:
    """A whole number of an address; None where it is none."""
    return typed.whole(asked.get(name), least=-typed.MOST_WHOLE)


class JsonField(forms.JSONField):
    """JSON that every database and every browser takes."""

    when_empty: Callable[[], Any] = staticmethod(lambda: None)
    """What is stored for nothing, or null: the default of a column that holds no null."""

    def to_python(self, value: Any) -> Any:
        if self.disabled or not isinstance(value, str | None):
            return value
        try:
            found = typed.json_document(value) if value and value.strip() else None
        except typed.NotReadable as error:
            raise ValidationError(_json_faults()[error.key], code="invalid") from None
        return self.when_empty() if found is None else found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """As it was typed: read once, in `to_python`."""
        return data if isinstance(data, str) else initial

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != initial)
        except ValidationError:
            return True


if TYPE_CHECKING:
    _Several = forms.ModelMultipleChoiceField[models.Model]
else:
    _Several = forms.ModelMultipleChoiceField


class SeveralField(_Several):
    """Several rows by their numbers; one that no column holds is no number of a row."""

    def clean(self, value: Any) -> Any:
        for one in value if isinstance(value, list | tuple) else ():
            if typed.whole(one) is None:
                raise ValidationError(
                    self.error_messages["invalid_pk_value"],
                    code="invalid_pk_value",
                    params={"pk": one},
                )
        return super().clean(value)


def _json_faults() -> dict[str, str]:
    return {
        "json": _('Not readable. Write lists as [1, 2] and names with values as {"Vop": 55.3}.'),
        "long": _("This is too long."),
        "deep": _("Too many brackets inside of brackets."),
        "number": _("A number in it is too large, or none (NaN, Infinity)."),
        "text": _("A text in it has characters that can't be stored."),
    }


def model_field(column: models.Field[Any, Any], **named: Any) -> Any:
    """The form's field for a column: JSON and several rows by ours, all else as Django does it."""
    if isinstance(column, models.ManyToManyField):
        named.setdefault("form_class", SeveralField)
    if isinstance(column, models.JSONField):
        named.setdefault("form_class", JsonField)
    made = column.formfield(**named)
    if isinstance(made, JsonField) and not column.null:
        made.when_empty = column.get_default
    return made
