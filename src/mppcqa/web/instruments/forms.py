"""What is typed about instruments: a place, a calibration with its values."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.runs.calibrating import Found
from mppcqa.runs.instruments import Calibration
from mppcqa.runs.models import Station
from mppcqa.typed import comma_between_digits, day, number

Point = tuple[float | None, float, float | None]


class DayField(forms.CharField):
    """A day of the calendar, as ``2027-03-31``."""

    widget = forms.DateInput({"type": "date"}, "%Y-%m-%d")

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        found = day(text)
        if text and found is None:
            raise forms.ValidationError(_("“%s” is no date.") % text[:30])
        return found


class PlaceForm(forms.Form):
    """Where an instrument stands from a day on; nowhere ends its stay."""

    station = forms.ModelChoiceField(
        label=gettext_lazy("Station"),
        queryset=Station.objects.order_by("name"),
        required=False,
        empty_label=gettext_lazy("at none"),
    )
    since = DayField(label=gettext_lazy("From this day on"), max_length=10)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.fields["since"].initial = timezone.now().date()


class PointsField(forms.CharField):
    """A value with its uncertainty, or a line for each place: where, value, uncertainty."""

    widget = forms.Textarea({"rows": 4, "spellcheck": "false"})

    def to_python(self, value: Any) -> list[Point]:  # type: ignore[override]
        points: list[Point] = []
        for line in (super().to_python(value) or "").splitlines():
            parts = [one for one in re.split(r"[\s;]+|±|\+-", line) if one]
            if len(parts) == 1 and "." in line and line.count(",") > 1:
                parts = line.split(",")  # a line of a table with points for decimals
            elif len(parts) == 1 and comma_between_digits(line):
                text = _("“%s” may be one number or several: write a point, or blanks.")
                raise forms.ValidationError(text % line.strip()[:40])
            if not parts:
                continue
            found = [number(one) for one in parts]
            if None in found or len(found) > 3:
                text = _("“%s”: write at most three numbers, with blanks between them.")
                raise forms.ValidationError(text % line.strip()[:40])
            points.append(_point([one for one in found if one is not None]))
        return points


def _point(found: list[float]) -> Point:
    if len(found) == 3:
        return found[0], found[1], found[2]
    return None, found[0], found[1] if len(found) > 1 else None


class CalibrationForm(forms.Form):
    """A calibration; without values it is a check that only has an end."""

    done_on = DayField(label=gettext_lazy("Calibrated on"), max_length=10)
    done_by = forms.CharField(
        label=gettext_lazy("Calibrated by"),
        max_length=100,
        help_text=gettext_lazy("A laboratory or a person."),
    )
    valid_until = DayField(
        label=gettext_lazy("Valid until"),
        max_length=10,
        required=False,
        help_text=gettext_lazy("Empty where its end does not matter."),
    )
    quantity = forms.CharField(
        label=gettext_lazy("Quantity"),
        max_length=60,
        required=False,
        help_text=gettext_lazy(
            "As “responsivity”; empty for a check without a value. Of one quantity the latest "
            "calibration counts. Analyses take “responsivity”, “geometry factor” and “drift”."
        ),
    )
    unit = forms.CharField(label=gettext_lazy("Unit"), max_length=20, required=False)
    against = forms.CharField(
        label=gettext_lazy("Against"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("What a table of values depends on; empty for one factor."),
    )
    against_unit = forms.CharField(
        label=gettext_lazy("Unit of that"), max_length=20, required=False
    )
    points = PointsField(
        label=gettext_lazy("Values"),
        max_length=100_000,
        required=False,
        help_text=gettext_lazy(
            "One factor: value and standard uncertainty, as 0.314 0.003. A table: a line for "
            "each place, as 405 0.231 0.004, also pasted from a file."
        ),
    )
    note = forms.CharField(label=gettext_lazy("Note"), max_length=300, required=False)
    certificate = forms.FileField(label=gettext_lazy("Certificate"), required=False, max_length=200)

    def __init__(self, *arguments: Any, former: Calibration | None = None, **named: Any) -> None:
        if former is not None:
            kept = ("done_by", "quantity", "unit", "against", "against_unit")
            named["initial"] = {name: getattr(former, name) for name in kept}
        super().__init__(*arguments, **named)

    def found(self) -> Found:
        """What the form says was found."""
        values = {name: one for name, one in self.cleaned_data.items() if name != "certificate"}
        return Found(**values)
