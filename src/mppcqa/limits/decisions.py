"""What a person decides about a device: taken in spite of its verdict, signed off."""

from __future__ import annotations

import datetime as dt

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import signatures_needed
from mppcqa.inventory.models import Device
from mppcqa.inventory.placing import campaign_of
from mppcqa.limits.models import SignOff, Verdict, Waiver
from mppcqa.limits.objections import stage_title
from mppcqa.refused import Refused
from mppcqa.results.models import Outcome, Standing
from mppcqa.signing.models import Act
from mppcqa.signing.pen import Pen, is_waiting, sign


class DecisionRefused(Refused):
    """Nothing was decided; the message says why."""


@transaction.atomic
def grant_waiver(
    verdict: Verdict, reason: str, *, by: Pen, expires_on: dt.date | None = None
) -> Waiver | None:
    """Take a device in spite of a verdict; it counts in place of a former waiver, which stays.

    None where another person must sign as well. Whoever measured the device may not.
    """
    reason = reason.strip()
    if verdict.outcome == Outcome.PASS:
        raise DecisionRefused(_("The device passes: there is nothing to waive."))
    if not reason:
        raise DecisionRefused(_("A waiver needs a reason."))
    if expires_on is not None and expires_on < timezone.now().date():
        raise DecisionRefused(_("The last day of the waiver is past."))
    until = "" if expires_on is None else expires_on.isoformat()

    def meaning() -> str:
        text = _("I take %(serial)s in spite of the verdict “%(outcome)s” at %(stage)s: %(reason)s")
        if until:
            text = _(
                "I take %(serial)s until %(until)s in spite of the verdict “%(outcome)s” at "
                "%(stage)s: %(reason)s"
            )
        return text % {
            "serial": verdict.device,
            "outcome": Outcome(verdict.outcome).label,
            "stage": stage_title(verdict.stage),
            "reason": reason,
            "until": until,
        }

    signed = sign(
        by,
        Act.WAIVER,
        verdict,
        named=f"{verdict.device}, {verdict.stage}",
        meaning=meaning,
        told={"reason": reason, "expires_on": until},
        needed=signatures_needed(Act.WAIVER, [campaign_of(verdict.device)]),
    )
    if is_waiting(signed):
        return None
    waiver = Waiver.objects.create(
        verdict=verdict, reason=reason, granted_by_id=by.pk, expires_on=expires_on, signed=signed
    )
    Verdict.objects.filter(pk=verdict.pk).update(waiver=waiver)
    verdict.waiver = waiver
    return waiver


@transaction.atomic
def sign_off(device: Device, *, by: Pen, note: str = "") -> SignOff | None:
    """Stand for a device's verdicts as they are now; None where another must sign as well.

    Whoever measured the device, or granted a waiver of it, can't sign it off; a failing stage needs
    a waiver that holds.
    """
    standings = list(
        Standing.objects.filter(device=device).select_related("verdict__waiver").order_by("stage")
    )
    if not standings:
        raise DecisionRefused(_("The device was not tested yet."))
    for standing in standings:
        if standing.outcome in (Outcome.FAIL, Outcome.INCOMPLETE, ""):
            waiver = standing.verdict.waiver if standing.verdict else None
            if waiver is None or not waiver.holds:
                raise DecisionRefused(
                    _("A stage fails or is incomplete, and no waiver holds: grant one first.")
                )
    outcomes = {standing.stage: standing.outcome for standing in standings}
    note = note.strip()

    def meaning() -> str:
        said = ", ".join(
            f"{stage_title(stage)}: {Outcome(outcome).label if outcome else _('not judged')}"
            for stage, outcome in outcomes.items()
        )
        text = _("I have looked at the verdicts of %(serial)s and stand for them (%(verdicts)s)")
        return text % {"serial": device, "verdicts": said}

    verdicts = [standing.verdict_id for standing in standings]
    signed = sign(
        by,
        Act.SIGN_OFF,
        device,
        named=str(device),
        meaning=meaning,
        told={"outcomes": outcomes, "verdicts": verdicts, "note": note},
        needed=signatures_needed(Act.SIGN_OFF, [campaign_of(device)]),
    )
    if is_waiting(signed):
        return None
    return SignOff.objects.create(
        device=device, outcomes=outcomes, note=note, signed_by_id=by.pk, signed=signed
    )
