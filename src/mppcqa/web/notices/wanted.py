"""What I want to be told: of each kind how, and of which campaign, station or lot alone."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from mppcqa import typed
from mppcqa.exchange.telling.models import SCOPES, SENTENCES, Subject, Subscription
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Lot
from mppcqa.inventory.scope import scope_of
from mppcqa.queue.models import Notice
from mppcqa.runs.models import Station
from mppcqa.web.access import person

NOT = ("", gettext_lazy("not"))
MOST = 200
WHOLE = {"campaign": None, "station": None, "lot": None}


class NarrowForm(forms.Form):
    """One subject of one campaign, station or lot."""

    subject = forms.ChoiceField(label=gettext_lazy("What"), choices=Subject.choices)
    way = forms.ChoiceField(label=gettext_lazy("How"), choices=Notice.Way.choices)
    campaign = forms.ModelChoiceField(
        label=gettext_lazy("Campaign"), queryset=Campaign.objects.none(), required=False
    )
    station = forms.ModelChoiceField(
        label=gettext_lazy("Station"), queryset=Station.objects.none(), required=False
    )
    lot = forms.CharField(label=gettext_lazy("Lot"), max_length=100, required=False)

    def __init__(self, user: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        known: dict[str, Any] = {
            "campaign": _with_devices_seen(Campaign.objects.all(), "campaign", user),
            "station": Station.objects.order_by("name"),
        }
        for name, rows in known.items():
            self.fields[name].queryset = rows  # type: ignore[attr-defined]

    def clean_lot(self) -> Lot | None:
        """The lot of a name."""
        name = self.cleaned_data["lot"].strip()
        rows = _with_devices_seen(Lot.objects.filter(name=name), "lot", self.user)
        found = rows.first() if name else None
        if name and found is None:
            raise forms.ValidationError(_("There is no lot “%s”.") % name)
        return found

    def clean(self) -> dict[str, Any]:
        """Refuses what a subject has nothing to do with, and what is narrowed to nothing."""
        values = super().clean() or {}
        if self.errors:
            return values
        subject = Subject(values["subject"])
        given = [name for name in WHOLE if values.get(name)]
        if not given:
            raise forms.ValidationError(
                _("Choose a campaign, a station or a lot; all of it is chosen above.")
            )
        for name in given:
            if name not in SCOPES[subject]:
                text = _("“%s” can't be narrowed to it.") % subject.label
                self.add_error(name, text)
        return values


def _with_devices_seen(rows: QuerySet[Any], field: str, user: Any) -> QuerySet[Any]:
    """All for who is bound to nothing; else those that have a device which the person sees."""
    if not scope_of(user).bound:
        return rows
    return rows.filter(pk__in=Device.objects.visible_to(user).values(field))


@require_http_methods(["GET", "POST"])
def wanted(request: HttpRequest) -> HttpResponse:
    """The page; what is sent is one of its three forms."""
    user = person(request)
    mine = Subscription.objects.filter(user=user)
    action = request.POST.get("action", "")
    form = NarrowForm(user, request.POST if action == "add" else None)
    if action == "all":
        _keep_whole(request, user)
        messages.success(request, _("Kept."))
        return redirect("wanted")
    if action == "remove":
        number = typed.whole(request.POST.get("subscription"))
        get_object_or_404(mine, pk=number or 0).delete()
        return redirect("wanted")
    if action == "add" and form.is_valid():
        if mine.count() >= MOST:
            form.add_error(None, _("These are %d already; remove some first.") % MOST)
        else:
            language = get_language() or "en"
            Subscription.objects.create(user=user, language=language, **form.cleaned_data)
            return redirect("wanted")
    ways = {one.subject: one.way for one in mine.filter(**WHOLE)}
    lines = [
        {"key": one.value, "title": one.label, "told": SENTENCES[one], "way": ways.get(one, "")}
        for one in Subject
    ]
    narrow = mine.exclude(**WHOLE).select_related("campaign", "station", "lot")
    shown = {
        "lines": lines,
        "ways": [NOT, *Notice.Way.choices],
        "narrow": narrow,
        "form": form,
        "email": user.email,
    }
    return render(request, "web/notices/wanted.html", shown)


def _keep_whole(request: HttpRequest, user: Any) -> None:
    language = get_language() or "en"
    for subject in Subject:
        rows = Subscription.objects.filter(user=user, subject=subject, **WHOLE)
        way = request.POST.get(subject, "")
        if way not in Notice.Way:
            rows.delete()
        elif not rows.update(way=way, language=language):
            Subscription.objects.create(user=user, subject=subject, way=way, language=language)
