"""A plan is chosen, looked at with its risks, and its sample drawn."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa.inventory.models import Lot
from mppcqa.refused import Refused
from mppcqa.statistics.accepting import draw, lot_size
from mppcqa.statistics.models import Series
from mppcqa.statistics.sampling import (
    AQLS,
    LEVELS,
    ByCount,
    NoPlan,
    Plan,
    count_plan,
    iso_plan,
    risks,
    value_plan,
)
from mppcqa.web.acceptance.shown import KINDS, curve, plan_text, risk_rows
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell_form
from mppcqa.web.matching.values import choices
from mppcqa.web.stages import stage_titles


class PlanForm(forms.Form):
    """How a lot is to be sampled."""

    lot = forms.ModelChoiceField(Lot.objects.all(), label=gettext_lazy("Lot"))
    stage = forms.ChoiceField(label=gettext_lazy("Judged at"))
    kind = forms.ChoiceField(label=gettext_lazy("Plan"), choices=list(KINDS.items()))
    aql = forms.TypedChoiceField(
        label=gettext_lazy("Good quality (AQL)"),
        choices=[(f"{one:g}", f"{one:g} %") for one in AQLS],
        coerce=float,
        initial="1",
        help_text=gettext_lazy("Lots as good as this should be accepted."),
    )
    level = forms.ChoiceField(
        label=gettext_lazy("Inspection level"),
        choices=[(one, one) for one in LEVELS],
        initial="II",
        help_text=gettext_lazy("Of the tables: II is usual; I, and S-1 to S-4, take fewer."),
    )
    bad = forms.FloatField(
        label=gettext_lazy("Bad quality"),
        min_value=0,
        max_value=100,
        required=False,
        help_text=gettext_lazy("In percent: lots as bad as this should be rejected."),
    )
    alpha = forms.FloatField(
        label=gettext_lazy("Risk of the maker [%]"), min_value=0.01, max_value=49, initial=5
    )
    beta = forms.FloatField(
        label=gettext_lazy("Our risk [%]"), min_value=0.01, max_value=49, initial=10
    )
    series = forms.ChoiceField(
        label=gettext_lazy("Measured value"),
        required=False,
        help_text=gettext_lazy("For a plan by a value: it must be spread like a normal one."),
    )
    low = forms.FloatField(label=gettext_lazy("Conforms from"), required=False)
    high = forms.FloatField(label=gettext_lazy("Conforms to"), required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        stages: Any = self.fields["stage"]
        stages.choices = list(stage_titles().items())
        self.known = {key: one for key, one in choices().items() if isinstance(one.value, Series)}
        series: Any = self.fields["series"]
        series.choices = [("", "—"), *((key, one.title) for key, one in self.known.items())]

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        if self.errors:
            return asked
        if asked["kind"] in ("count", "value") and asked["bad"] is None:
            self.add_error("bad", _("Such a plan is made from two qualities: say the bad one."))
        if asked["kind"] == "value":
            if not asked["series"]:
                self.add_error("series", _("Say which value the plan looks at."))
            if asked["low"] is None and asked["high"] is None:
                self.add_error("low", _("Say within which limits a device conforms."))
        return asked

    def plan(self, size: int) -> Plan:
        """The plan for a lot of a size; raises `NoPlan`."""
        asked = self.cleaned_data
        good, bad = asked["aql"] / 100, (asked["bad"] or 0) / 100
        risked = asked["alpha"] / 100, asked["beta"] / 100
        if asked["kind"] == "count":
            return count_plan(good, bad, *risked)
        if asked["kind"] == "value":
            return value_plan(good, bad, *risked)
        return iso_plan(size, asked["aql"], asked["level"], tightened=asked["kind"] == "tightened")

    def told(self, plan: Plan) -> dict[str, Any]:
        """What is kept with the plan's numbers."""
        asked = self.cleaned_data
        good = asked["aql"] / 100
        bad = None if asked["bad"] is None else asked["bad"] / 100
        found = risks(plan, good, bad)
        told = {
            "kind": asked["kind"],
            "good": good,
            "bad": bad,
            "producer": found.producer,
            "consumer": found.consumer,
            "level": asked["level"] if isinstance(plan, ByCount) and plan.letter else "",
        }
        if asked["kind"] == "value":
            choice = self.known[asked["series"]]
            assert isinstance(choice.value, Series)  # noqa: S101
            low, high = (
                None if one is None else one / choice.scale for one in (asked["low"], asked["high"])
            )
            told |= {"series": choice.value.pk, "low": low, "high": high}
        return told


@require_http_methods(["GET", "POST"])
@allowed("limits.add_acceptance")
def acceptance_new(request: HttpRequest) -> HttpResponse:
    """Look at a plan and what it risks; sent, draw its sample."""
    form = PlanForm(request.GET if "kind" in request.GET else None)
    context: dict[str, Any] = {"form": form, "query": request.GET.urlencode()}
    status = 422 if request.method == "POST" else 200
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        size = lot_size(asked["lot"])
        try:
            plan = form.plan(size)
            told = form.told(plan)
            if request.method == "POST":
                made = draw(asked["lot"], asked["stage"], plan, told, by=person(request))
                messages.success(request, _("%d devices are drawn.") % plan.n)
                return redirect(made)
        except NoPlan:
            form.add_error(None, _no_plan(size))
        except Refused as error:
            tell_form(form, error)
        else:
            context |= {
                "plan": plan_text(plan, size),
                "few": size < plan.n,
                "risks": risk_rows(plan, told["good"], told["bad"]),
                "chart": curve(plan, told, size),
            }
    return render(request, "web/acceptance/new.html", context, status=status)


def _no_plan(size: int) -> str:
    if size < 2:
        return _("Of this lot fewer than two devices are there.")
    return _("There is no such plan: the bad quality must be worse than the good one, by enough.")
