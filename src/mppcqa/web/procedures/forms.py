"""What is typed about procedures: a version, a picture, a training."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext_lazy

from mppcqa.web.instruments.forms import DayField

MARKS = gettext_lazy(
    "A line with “# ” before it is a heading, with “- ” an item, with “1. ” a step; **so** is "
    "strong; [picture 3] on a line of its own shows that picture."
)
MOST_TEXT = 100_000


class ProcedureForm(forms.Form):
    """The next version of instructions."""

    text_en = forms.CharField(
        label=gettext_lazy("Instructions in English"),
        max_length=MOST_TEXT,
        required=False,
        widget=forms.Textarea({"rows": 14}),
        help_text=MARKS,
    )
    text_es = forms.CharField(
        label=gettext_lazy("Instructions in Spanish"),
        max_length=MOST_TEXT,
        required=False,
        widget=forms.Textarea({"rows": 14}),
        help_text=gettext_lazy("Whoever reads a language that is missing here sees the other."),
    )
    estimate_min = forms.IntegerField(
        label=gettext_lazy("Time that a run takes [min]"),
        min_value=1,
        max_value=100_000,
        required=False,
        help_text=gettext_lazy("Empty where nobody knows yet."),
    )
    note = forms.CharField(label=gettext_lazy("What changed"), max_length=300, required=False)


class PictureForm(forms.Form):
    """A picture for instructions."""

    file = forms.FileField(label=gettext_lazy("Picture"), max_length=200)
    told = forms.CharField(
        label=gettext_lazy("What it shows"),
        max_length=200,
        help_text=gettext_lazy("Read out to who does not see it."),
    )


class TrainingForm(forms.Form):
    """Who was trained, when, until when it counts."""

    person = forms.ModelChoiceField(
        label=gettext_lazy("Person"), queryset=User.objects.none(), to_field_name="username"
    )
    done_on = DayField(label=gettext_lazy("Trained on"), max_length=10)
    valid_until = DayField(
        label=gettext_lazy("Valid until"),
        max_length=10,
        required=False,
        help_text=gettext_lazy("Empty where its end does not matter."),
    )

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        field = self.fields["person"]
        assert isinstance(field, forms.ModelChoiceField)  # noqa: S101
        field.queryset = User.objects.filter(is_active=True).order_by("username")
        self.fields["done_on"].initial = timezone.now().date()
