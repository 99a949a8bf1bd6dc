"""Groups that are looked for, shown beside plain sorting, and kept."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa import charts
from mppcqa.charts import campaign
from mppcqa.inventory.matching import Matching
from mppcqa.inventory.reserving import Member, save_matching
from mppcqa.limits.picking import FAIR, GOOD, Need
from mppcqa.refused import Refused
from mppcqa.statistics.alike import Proposal, Wanted, propose
from mppcqa.statistics.matching import MOST
from mppcqa.statistics.matching_rules import SMALLEST, rules
from mppcqa.web.access import allowed, person
from mppcqa.web.charting import place_chart
from mppcqa.web.faults import tell
from mppcqa.web.matching.values import Choice, choices
from mppcqa.web.reading import line
from mppcqa.web.shipments.picking import PickForm

ALIKE_TITLES = {
    "lot": gettext_lazy("the lot"),
    "type": gettext_lazy("the device type"),
    "maker": gettext_lazy("the maker"),
    "tray": gettext_lazy("the tray"),
}
SHOWN = 12
"""Groups that are listed before they are kept."""
BINS = 40


class MatchForm(PickForm):
    """What is to be matched."""

    count = None  # type: ignore[assignment]  # all that fit are looked at
    value = forms.ChoiceField(
        label=gettext_lazy("Alike in"),
        help_text=gettext_lazy("The mean over a device's channels, at this condition."),
    )
    size = forms.IntegerField(
        label=gettext_lazy("Devices in a group"), min_value=2, max_value=1000, initial=4
    )
    groups = forms.IntegerField(
        label=gettext_lazy("How many groups"),
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=gettext_lazy("Empty: as many as there can be."),
    )
    alike = forms.ChoiceField(
        label=gettext_lazy("All of a group have in common"),
        required=False,
        choices=[("", gettext_lazy("nothing else")), *ALIKE_TITLES.items()],
    )
    widest = forms.FloatField(
        label=gettext_lazy("Largest spread of a group"),
        min_value=0,
        required=False,
        help_text=gettext_lazy("In the unit of the value; empty: any."),
    )
    rule = forms.ChoiceField(label=gettext_lazy("Rule"), required=False)
    field_order = ("value", "size", "rule", "groups", "alike", "widest", "origin")

    def __init__(self, known: dict[str, Choice], *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.known = known
        self.fields["origin"].label = gettext_lazy("At")
        value: Any = self.fields["value"]
        value.choices = [(one.key, one.title) for one in known.values()]
        there = rules()
        if len(there) > 1:
            rule: Any = self.fields["rule"]
            rule.choices = [(one.key, one.title) for one in there.values()]
        else:
            # A choice of one is none.
            del self.fields["rule"]

    @property
    def choice(self) -> Choice:
        return self.known[self.cleaned_data["value"]]

    def wanted(self) -> Wanted:
        """What a valid form asks for."""
        asked = self.cleaned_data
        need = Need(
            origin=asked["origin"],
            count=MOST,
            device_type=asked["device_type"],
            lot=asked["lot"],
            stages=asked["stages"],
            outcomes=GOOD if asked["verdict"] == "good" else FAIR,
            signed_off=asked["signed_off"],
        )
        widest = asked["widest"]
        return Wanted(
            need=need,
            size=asked["size"],
            value=self.choice.value,
            groups=asked["groups"],
            alike=asked["alike"],
            widest=float("inf") if widest is None else widest / self.choice.scale,
            rule=asked.get("rule") or SMALLEST.key,
        )


@require_http_methods(["GET", "POST"])
@allowed("inventory.add_matching")
def matching_new(request: HttpRequest) -> HttpResponse:
    """Look for the best groups; sent with a name, keep them if they are still the same."""
    known = choices()
    form = MatchForm(known, request.GET if "size" in request.GET else None)
    context: dict[str, Any] = {"form": form, "query": request.GET.urlencode()}
    status = 200
    if form.is_bound and form.is_valid():
        try:
            found = propose(form.wanted(), request.user)
            context |= _shown(form.choice, found) | {"typed": request.POST.get("name", "")}
            if request.method == "POST":
                return redirect(_keep(request, form, found))
        except Refused as error:
            tell(request, error)
            status = 422
    elif request.method == "POST":
        status = 422
    return render(request, "web/matching/new.html", context, status=status)


def _mark(found: Proposal) -> str:
    """What says which groups somebody saw."""
    told = [[(one.device, one.value) for one in group] for group in found.groups]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def _keep(request: HttpRequest, form: MatchForm, found: Proposal) -> Matching:
    if request.POST.get("seen") != _mark(found):
        raise Refused(
            _("Devices or values changed meanwhile: look at the groups again, then keep them.")
        )
    choice, asked = form.choice, form.cleaned_data
    made = Matching(
        name=line(request.POST, "name", 100),
        size=asked["size"],
        unit=choice.unit,
        candidates=len(found.members),
        limits={
            "place": str(asked["origin"]),
            "type": str(asked["device_type"] or ""),
            "lot": str(asked["lot"] or ""),
            "alike": asked["alike"],
            "stages": asked["stages"],
            "verdict": asked["verdict"] if asked["stages"] else "",
            "signed_off": asked["signed_off"],
            "groups": asked["groups"],
            "widest": asked["widest"],
            "rule": asked.get("rule", ""),
        },
        **{
            name: (0.0 if np.isnan(one.mean) else one.mean * choice.scale)
            for name, one in (
                ("spread", found.best),
                ("sorted_spread", found.sorted),
                ("plain_spread", found.plain),
            )
        },
    )
    if isinstance(choice.value, str):
        made.quantity = choice.value
    else:
        made.stage, made.quantity = choice.value.quantity.stage, choice.value.quantity.key
        made.at = choice.value.at.text
    groups = [
        [
            Member(
                one.device,
                one.value * choice.scale,
                None if one.uncertainty is None else one.uncertainty * choice.scale,
            )
            for one in group
        ]
        for group in found.groups
    ]
    save_matching(made, groups, by=person(request))
    text = _("%(n)d devices are reserved in %(groups)d groups.")
    n = sum(len(group) for group in groups)
    messages.success(request, text % {"n": n, "groups": len(groups)})
    return made


def _shown(choice: Choice, found: Proposal) -> dict[str, Any]:
    """The groups in short, and beside what plain sorting would give."""
    ways = (
        (_("best groups"), found.best),
        (_("sorted and cut"), found.sorted),
        (_("in the order of serials"), found.plain),
    )
    context: dict[str, Any] = {
        "found": found,
        "seen": _mark(found),
        "unit": choice.unit,
        "title": choice.title,
        "ways": [
            (name, one.mean * choice.scale, float(one.spreads.max()) * choice.scale)
            for name, one in ways
            if len(one.spreads)
        ],
        "first": [
            (number, spread * choice.scale, [found.serials[one.device] for one in group])
            for number, (group, spread) in enumerate(
                zip(found.groups, found.best.spreads.tolist(), strict=True), 1
            )
        ][:SHOWN],
    }
    if found.groups:
        spreads = [(name, one.spreads * choice.scale) for name, one in ways[:2]]
        most = max(float(part.max()) for _name, part in spreads) or 1.0
        rows = []
        for name, part in spreads:
            counts, edges = np.histogram(part, BINS, (0, most))
            for low, high, n in zip(edges, edges[1:], counts, strict=False):
                if n:
                    rows.append({"g": name, "low": float(low), "high": float(high), "n": int(n)})
        names = tuple(name for name, _part in spreads)
        scale = charts.Scale(_("spread of a group"), choice.unit)
        drawn = campaign.overlaid(rows, names, scale, charts.Scale(_("groups")))
        context["chart"] = place_chart("spreads", _("Spreads of the groups"), drawn)
    return context
