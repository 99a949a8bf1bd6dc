"""Forms made from what a stage declares: the parameters of a run, the settings of an analysis."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from mppcqa.stages.protocol import Parameter, Stage
from mppcqa.typed import NotReadable, numbers


class NumbersField(forms.CharField):
    """Numbers separated by blanks or semicolons: ``52 52.5 53``.

    ``52,5`` is refused: it may be one number or two.
    """

    default_error_messages = {
        "number": _("“%(text)s” is no number. Write numbers with blanks between them: 52 52.5 53"),
        "comma": _("“%(text)s” may be one number or several: write %(one)s or %(several)s."),
    }

    def prepare_value(self, value: Any) -> str:
        if isinstance(value, list | tuple):
            return " ".join(f"{one:g}" for one in value)
        return value or ""

    def to_python(self, value: Any) -> Any:
        """The numbers, a list."""
        try:
            return numbers(value)
        except NotReadable as error:
            part = error.part[:30]
            words = {
                "text": part,
                "one": part.replace(",", "."),
                "several": part.replace(",", " "),
            }
            message = self.error_messages[error.key]
            raise forms.ValidationError(message, code=error.key, params=words) from None


def in_words(choice: str) -> str:
    """What a person reads for a choice: ``half file`` for ``half_file``."""
    return choice.replace("_", " ")


def _field(parameter: Parameter) -> forms.Field:
    common: dict[str, Any] = {
        "label": _(parameter.title) + (f" [{parameter.unit}]" if parameter.unit else ""),
        "help_text": _(parameter.help) if parameter.help else "",
        "initial": parameter.default,
        "required": parameter.kind not in ("flag", "text") and parameter.default is not None,
    }
    if parameter.kind == "flag":
        return forms.BooleanField(**common)
    if parameter.kind == "choice":
        empty = [("", "—")] if parameter.default is None else []
        choices = empty + [(one, _(in_words(one))) for one in parameter.choices]
        return forms.ChoiceField(choices=choices, **common)
    if parameter.kind == "numbers":
        written = _("Numbers, with blanks between them.")
        common["help_text"] = f"{common['help_text']} {written}".strip()
        return NumbersField(**common)
    if parameter.kind == "text":
        return forms.CharField(max_length=1000, **common)
    bounds: dict[str, Any] = {"min_value": parameter.minimum, "max_value": parameter.maximum}
    if parameter.kind == "integer":
        return forms.IntegerField(**common, **bounds)
    # The browser's own step would refuse 52.25 where the default is 52.
    return forms.FloatField(widget=forms.NumberInput(attrs={"step": "any"}), **common, **bounds)


class _DeclaredForm(forms.Form):
    """Fields of what a stage declares; what it refuses is shown with the form."""

    def __init__(self, stage: Stage, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("prefix", "p")
        super().__init__(*args, **kwargs)
        self.stage = stage
        for parameter in self.declared():
            self.fields[parameter.key] = _field(parameter)

    def declared(self) -> tuple[Parameter, ...]:
        raise NotImplementedError

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if self.errors:
            return values
        try:
            return self.checked(values)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from None


class RunForm(_DeclaredForm):
    """Parameters of a run."""

    def declared(self) -> tuple[Parameter, ...]:
        return self.stage.parameters

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        return self.stage.clean(values)


class SettingsForm(_DeclaredForm):
    """Settings of an analysis that is made anew."""

    def declared(self) -> tuple[Parameter, ...]:
        return self.stage.settings

    def checked(self, values: dict[str, Any]) -> dict[str, Any]:
        return self.stage.clean_settings(values)
