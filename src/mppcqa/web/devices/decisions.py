"""Waivers and sign-off of a device."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.limits.decisions import DecisionRefused, grant_waiver, sign_off
from mppcqa.limits.models import Verdict
from mppcqa.refused import Refused
from mppcqa.results.models import Standing
from mppcqa.typed import day
from mppcqa.web import edits
from mppcqa.web.access import allowed
from mppcqa.web.faults import tell
from mppcqa.web.reading import line
from mppcqa.web.signing.asking import pen, signs, told_or_waits
from mppcqa.web.stages import stage_titles


def waiver_parts(waiver: tuple[str, dt.date | None] | None) -> list[edits.Part]:
    """What a waiver says: another one would take its place."""
    if waiver is None:
        return []
    reason, until = waiver
    return [
        edits.part("reason", _("Reason"), reason),
        edits.part("expires_on", _("Holds until (empty: for good)"), until),
    ]


def outcome_parts(outcomes: Iterable[tuple[str, str]]) -> list[edits.Part]:
    """What a device's verdicts say: who signs stands for those on the page."""
    titles = stage_titles()
    return [
        edits.part(f"outcome-{stage}", titles.get(stage, stage), outcome, only_seen=True)
        for stage, outcome in outcomes
    ]


@require_POST
@allowed("limits.add_waiver")
@signs
def waive(request: HttpRequest, serial: str, pk: int) -> HttpResponse:
    """Take a device in spite of its verdict."""
    found = get_object_or_404(Device.objects.visible_to(request.user), serial=normal_serial(serial))
    try:
        with transaction.atomic():
            verdict = edits.locked(Verdict, pk=pk, device=found)
            waiver = verdict.waiver
            shown = None if waiver is None else (waiver.reason, waiver.expires_on)
            edit = edits.begin(request, verdict, waiver_parts(shown), found.get_absolute_url())
            if edit.conflict:
                return edit.both()
            text = edit.sent.get("expires_on", "").strip()
            until = day(text)
            if text and until is None:
                # Never a waiver for good because a date was not understood.
                raise DecisionRefused(_("“%s” is no date; write it like 2027-03-31.") % text[:30])
            reason = edit.sent.get("reason", "")
            granted = grant_waiver(verdict, reason, by=pen(request), expires_on=until)
            if granted is not None:
                edit.saved(verdict, waiver_parts((granted.reason, granted.expires_on)))
    except Refused as error:
        tell(request, error)
    else:
        told_or_waits(request, granted, _("The waiver is granted."))
    return redirect(found)


@require_POST
@allowed("limits.add_signoff")
@signs
def sign(request: HttpRequest, serial: str) -> HttpResponse:
    """Stand for a device's verdicts."""
    note = line(request.POST, "note", 500)
    try:
        with transaction.atomic():
            found = edits.locked(
                Device.objects.visible_to(request.user), serial=normal_serial(serial)
            )
            now = Standing.objects.filter(device=found).values_list("stage", "outcome")
            edit = edits.begin(request, found, outcome_parts(now), found.get_absolute_url())
            if edit.conflict:
                return edit.both()
            signed = sign_off(found, by=pen(request), note=note)
    except Refused as error:
        tell(request, error)
    else:
        told_or_waits(request, signed, _("The device is signed off."))
    return redirect(found)
