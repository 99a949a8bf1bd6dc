"""The form that starts a run, made from what the stage declares."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mppcqa.stages.protocol import Parameter, Stage


class NumbersField(forms.CharField):
    """Numbers separated by blanks or semicolons: ``52 52.5 53``."""

    default_error_messages = {
        "number": _("“%(text)s” is no number. Write numbers with blanks between them: 52 52.5 53"),
    }

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return " ".join(f"{number:g}" for number in value)
        return value or ""

    def to_python(self, value: Any) -> list[float]:
        numbers = []
        # A comma with a blank after it separates; one between digits is a decimal comma.
        for part in re.split(r"[\s;]+|,\s+", (value or "").strip(" ,;")):
            if not part:
                continue
            try:
                numbers.append(float(part.replace(",", ".")))
            except ValueError:
                raise forms.ValidationError(
                    self.error_messages["number"], code="number", params={"text": part}
                ) from None
        return numbers


def _field(parameter: Parameter) -> forms.Field:
    common: dict[str, Any] = {
        "label": _(parameter.title) + (f" [{parameter.unit}]" if parameter.unit else ""),
        "help_text": _(parameter.help) if parameter.help else "",
        "initial": parameter.default,
        "required": parameter.kind not in ("flag", "text"),
    }
    if parameter.kind == "flag":
        return forms.BooleanField(**common)
    if parameter.kind == "choice":
        return forms.ChoiceField(choices=[(one, _(one)) for one in parameter.choices], **common)
    if parameter.kind == "numbers":
        return NumbersField(**common)
    if parameter.kind == "text":
        return forms.CharField(max_length=1000, **common)
    bounds = {"min_value": parameter.minimum, "max_value": parameter.maximum}
    if parameter.kind == "integer":
        return forms.IntegerField(**common, **bounds)
    # The browser's own step would refuse 52.25 where the default is 52.
    return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}), **common, **bounds)


class RunForm(forms.Form):
    """Parameters of a run; what the stage's own `clean` refuses is shown with the form."""

    def __init__(self, stage: Stage, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "p")
        super().__init__(*args, **kwargs)
        self.stage = stage
        for parameter in stage.parameters:
            self.fields[parameter.key] = _field(parameter)

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        try:
            return self.stage.clean(values)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None
