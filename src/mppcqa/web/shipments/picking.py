"""Devices chosen for a need, before they are packed."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from mppcqa.inventory.matching import Matched, Matching
from mppcqa.inventory.models import Device, DeviceType, Institute, Lot
from mppcqa.limits.picking import FAIR, GOOD, Need, pick, pick_groups
from mppcqa.typed import whole
from mppcqa.web.access import allowed
from mppcqa.web.stages import stage_titles

MOST = 5000
VERDICTS = {"good": gettext_lazy("pass"), "fair": gettext_lazy("pass or warning")}


class PickForm(forms.Form):
    """What is needed."""

    origin = forms.ModelChoiceField(Institute.objects.all(), label=gettext_lazy("From"))
    device_type = forms.ModelChoiceField(
        DeviceType.objects.all(), label=gettext_lazy("Device type"), required=False
    )
    lot = forms.ModelChoiceField(Lot.objects.all(), label=gettext_lazy("Lot"), required=False)
    count = forms.IntegerField(label=gettext_lazy("How many"), min_value=1, max_value=MOST)
    stages = forms.MultipleChoiceField(
        label=gettext_lazy("Judged at"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    verdict = forms.ChoiceField(label=gettext_lazy("Verdict"), choices=list(VERDICTS.items()))
    signed_off = forms.BooleanField(label=gettext_lazy("Only what was signed off"), required=False)

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        stages: Any = self.fields["stages"]
        stages.choices = list(stage_titles().items())


@require_GET
@allowed("inventory.add_shipment")
def shipment_pick(request: HttpRequest) -> HttpResponse:
    """Choose by verdict and need, look at who fits and why others don't, and go on to pack."""
    if "matching" in request.GET:
        return _groups(request)
    form = PickForm(request.GET if "origin" in request.GET else None)
    context: dict[str, Any] = {"form": form}
    if form.is_bound and form.is_valid():
        asked = form.cleaned_data
        need = Need(
            origin=asked["origin"],
            count=asked["count"],
            device_type=asked["device_type"],
            lot=asked["lot"],
            stages=asked["stages"],
            outcomes=GOOD if asked["verdict"] == "good" else FAIR,
            signed_off=asked["signed_off"],
        )
        context |= {"picked": pick(need, request.user), "origin": need.origin.pk}
    return render(request, "web/shipments/pick.html", context)


def _groups(request: HttpRequest) -> HttpResponse:
    """``?matching=ID&group=1&group=2``: whole groups that were matched."""
    seen = Matching.objects.visible_to(request.user).filter(undone_at=None)
    found = get_object_or_404(seen, pk=whole(request.GET["matching"]) or 0)
    numbers = {number for one in request.GET.getlist("group") if (number := whole(one))}
    inside = Matched.objects.visible_to(request.user).filter(matching=found, group__in=numbers)
    at = Device.objects.visible_to(request.user).filter(pk__in=inside.values("device"))
    origin = at.exclude(location=None).values_list("location", flat=True).first()
    context = {
        "matching": found,
        "picked": pick_groups(found, numbers, request.user),
        "origin": origin or "",
    }
    return render(request, "web/shipments/pick.html", context)
