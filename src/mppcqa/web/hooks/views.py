"""Webhooks: made, changed, tried, and what they were told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from mppcqa import typed
from mppcqa.exchange.hooks import actions
from mppcqa.exchange.hooks.events import EVENTS, TEST
from mppcqa.exchange.hooks.models import RIGHT, Delivery, Webhook
from mppcqa.refused import Refused
from mppcqa.web import edits
from mppcqa.web.access import allowed, person
from mppcqa.web.faults import tell, tell_form

SHOWN = 50
MOST = 500
STATES = {True: "on", False: "off"}
BADGES = {"taken": "ok", "waiting": "waiting", "given_up": "failed", "withheld": "killed"}


class HookForm(forms.Form):
    """A webhook as people write it."""

    title = forms.CharField(label=gettext_lazy("Name"), max_length=100)
    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        help_text=gettext_lazy("Of your receiver; it begins with https://."),
    )
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Events"),
        choices=lambda: [(one.key, one.title) for one in EVENTS.values()],
        widget=forms.CheckboxSelectMultiple,
    )


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def hook_list(request: HttpRequest) -> HttpResponse:
    """All that one sees, and a new one, whose secret is shown this once."""
    user = person(request)
    form = HookForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made, secret = actions.make(user, **form.cleaned_data)
        except Refused as error:
            tell_form(form, error)
        else:
            return _shown(request, made, secret=secret)
    rows = Webhook.objects.visible_to(user).select_related("owner")[:MOST]
    return render(request, "web/hooks/list.html", {"rows": rows, "form": form, "titles": _titles()})


@require_http_methods(["GET", "POST"])
@allowed(RIGHT)
def hook(request: HttpRequest, pk: int) -> HttpResponse:
    """One webhook with what it was told; buttons change, try, renew and remove it."""
    seen = Webhook.objects.visible_to(person(request)).select_related("owner")
    row = get_object_or_404(seen, pk=pk)
    if request.method == "GET":
        return _shown(request, row)
    action = request.POST.get("action", "")
    if decide := DECIDED.get(action):
        return decide(request, pk)
    try:
        if done := DONE.get(action):
            done(row, request.POST)
    except Refused as error:
        tell(request, error)
    return redirect("hook", pk)


def _change(request: HttpRequest, pk: int) -> HttpResponse:
    """An administrator may be at the same webhook as its owner."""
    with edits.changing(request):
        row = edits.locked(Webhook.objects.visible_to(person(request)), pk=pk)
        edit = edits.begin(request, row, _parts(row), reverse("hook", args=[pk]))
        if edit.conflict:
            edit.known_by = _seen(row)
            return edit.both()
        form = HookForm(edit.data)
        if form.is_valid():
            try:
                actions.change(row, **form.cleaned_data)
            except Refused as error:
                tell_form(form, error)
        if not form.errors:
            edit.saved(row, _seen(row))
    if form.errors:
        return _shown(request, row, form=form)
    messages.success(request, _("Changed."))
    return redirect("hook", pk)


def _decided(
    request: HttpRequest, pk: int, do: Callable[[HttpRequest, Webhook], HttpResponse]
) -> HttpResponse:
    """What a button does to a webhook as it was seen; not to one that changed meanwhile."""
    with edits.changing(request):
        row = edits.locked(Webhook.objects.visible_to(person(request)), pk=pk)
        edit = edits.begin(request, row, _seen(row), reverse("hook", args=[pk]))
        if edit.conflict:
            return edit.both()
        answer = do(request, row)
        if row.pk is not None:
            edit.saved(row, _seen(row))
        return answer


def _remove(request: HttpRequest, row: Webhook) -> HttpResponse:
    row.delete()
    messages.success(request, _("The webhook %s is removed.") % row)
    return redirect("hook_list")


def _renew(request: HttpRequest, row: Webhook) -> HttpResponse:
    return _shown(request, row, secret=actions.renew(row))


def _switch(request: HttpRequest, row: Webhook) -> HttpResponse:
    try:
        actions.change(row, active=request.POST["action"] == "on")
    except Refused as error:
        tell(request, error)
    return redirect("hook", row.pk)


def _initial(row: Webhook) -> dict[str, Any]:
    return {"title": row.title, "url": row.url, "events": row.events}


def _parts(row: Webhook) -> list[edits.Part]:
    return edits.parts_of(HookForm(initial=_initial(row)))


def _state(keys: edits.Texts) -> str:
    return _("in use") if STATES[True] in keys else _("switched off")


def _seen(row: Webhook) -> list[edits.Part]:
    """What a person sees of a webhook before a button is pressed."""
    return [
        *(replace(one, only_seen=True) for one in _parts(row)),
        edits.Part("state", _("State"), (STATES[row.active],), _state, only_seen=True),
        edits.part("secret", _("New secrets until now"), row.generation, only_seen=True),
    ]


def _again(row: Webhook, asked: Any) -> None:
    number = typed.whole(asked.get("delivery"))
    actions.again(get_object_or_404(Delivery, hook=row, pk=number or 0))


DONE: dict[str, Callable[[Webhook, Any], object]] = {
    "test": lambda row, asked: actions.send_test(row),
    "again": _again,
}
DECIDED: dict[str, Callable[[HttpRequest, int], HttpResponse]] = {
    "change": _change,
    "remove": partial(_decided, do=_remove),
    "renew": partial(_decided, do=_renew),
    "on": partial(_decided, do=_switch),
    "off": partial(_decided, do=_switch),
}


def _titles() -> dict[str, Any]:
    return {one.key: one.title for one in (*EVENTS.values(), TEST)}


def _shown(
    request: HttpRequest, row: Webhook, *, secret: str = "", form: HookForm | None = None
) -> HttpResponse:
    shown = render(
        request,
        "web/hooks/hook.html",
        {
            "row": row,
            "secret": secret,
            "form": form or HookForm(initial=_initial(row)),
            "mark": edits.mark_of(_parts(row)),
            "seen": edits.mark_of(_seen(row)),
            "told": {one.key: one.told for one in EVENTS.values()},
            "titles": _titles(),
            "badges": BADGES,
            "deliveries": row.deliveries.all()[:SHOWN],
            "waiting": row.deliveries.filter(state=Delivery.State.WAITING).exists(),
        },
    )
    # No copy of the secret stays in a browser's cache or on the way back to this page.
    shown.headers["Cache-Control"] = "no-store"
    return shown
