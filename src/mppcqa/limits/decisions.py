"""What a person decides about a device: taken in spite of its verdict, signed off."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device
from mppcqa.limits.models import SignOff, Verdict, Waiver
from mppcqa.refused import Refused
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.models import RunSlot

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class DecisionRefused(Refused):
    """Nothing was decided; the message says why."""


def grant_waiver(
    verdict: Verdict, reason: str, *, by: AbstractBaseUser, expires_on: dt.date | None = None
) -> Waiver:
    """Take a device in spite of a verdict; a former waiver of the verdict is replaced."""
    if verdict.outcome == Outcome.PASS:
        raise DecisionRefused(_("The device passes: there is nothing to waive."))
    if not reason.strip():
        raise DecisionRefused(_("A waiver needs a reason."))
    if expires_on is not None and expires_on < timezone.now().date():
        raise DecisionRefused(_("The last day of the waiver is past."))
    waiver, _made = Waiver.objects.update_or_create(
        verdict=verdict,
        defaults={
            "reason": reason.strip(),
            "granted_by_id": by.pk,
            "granted_at": timezone.now(),
            "expires_on": expires_on,
        },
    )
    return waiver


def sign_off(device: Device, *, by: AbstractBaseUser, note: str = "") -> SignOff:
    """Stand for a device's verdicts as they are now.

    Whoever measured the device can't sign it off; a failing stage needs a waiver that holds.
    """
    standings = list(
        Standing.objects.filter(device=device).select_related("verdict__waiver").order_by("stage")
    )
    if not standings:
        raise DecisionRefused(_("The device was not tested yet."))
    runs = [standing.analysis_id for standing in standings]
    operators = RunSlot.objects.filter(device=device, run__files__analyses__in=runs)
    if operators.filter(run__operator=by.pk).exists():
        raise DecisionRefused(
            _("You measured this device yourself: another person must sign it off.")
        )
    for standing in standings:
        if standing.outcome in (Outcome.FAIL, Outcome.INCOMPLETE, ""):
            waiver = getattr(standing.verdict, "waiver", None) if standing.verdict else None
            if waiver is None or not waiver.holds:
                raise DecisionRefused(
                    _("A stage fails or is incomplete, and no waiver holds: grant one first.")
                )
    return SignOff.objects.create(
        device=device,
        outcomes={standing.stage: standing.outcome for standing in standings},
        note=note.strip(),
        signed_by_id=by.pk,
    )
