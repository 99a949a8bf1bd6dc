"""Waivers and sign-off of a device."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mppcqa.inventory.models import Device
from mppcqa.inventory.serials import normal_serial
from mppcqa.testing.decisions import DecisionRefused, grant_waiver, sign_off
from mppcqa.testing.models import Verdict
from mppcqa.web.access import allowed


@require_POST
@allowed("testing.add_waiver")
def waive(request: HttpRequest, serial: str, pk: int) -> HttpResponse:
    """Take a device in spite of its verdict."""
    found = get_object_or_404(Device, serial=normal_serial(serial))
    verdict = get_object_or_404(Verdict, pk=pk, device=found)
    try:
        text = request.POST.get("expires_on", "").strip()
        until = parse_date(text) if text else None
        if text and until is None:
            # Never a waiver for good because a date was not understood.
            raise DecisionRefused(_("“%s” is no date; write it like 2027-03-31.") % text[:30])
        grant_waiver(verdict, request.POST.get("reason", ""), by=request.user, expires_on=until)
    except DecisionRefused as error:
        messages.error(request, str(error))
    except ValueError:  # a date that the calendar has not
        messages.error(request, _("“%s” is no date; write it like 2027-03-31.") % text[:30])
    else:
        messages.success(request, _("The waiver is granted."))
    return redirect(found)


@require_POST
@allowed("testing.add_signoff")
def sign(request: HttpRequest, serial: str) -> HttpResponse:
    """Stand for a device's verdicts."""
    found = get_object_or_404(Device, serial=normal_serial(serial))
    try:
        sign_off(found, by=request.user, note=request.POST.get("note", "")[:500])
    except DecisionRefused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The device is signed off."))
    return redirect(found)
