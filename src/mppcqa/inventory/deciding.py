"""What is done about something that is not right: a device is held, and its case decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.cases import Case
from mppcqa.inventory.moving import Held
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.refused import Fault, Refused

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.inventory.models import Device

ENDS_HOLD = (Move.RELEASE, Move.RETIRE)
"""What an open case speaks against: its decision does it."""


class CaseRefused(Refused):
    """Nothing was changed; each fault says why and what to do."""


@transaction.atomic
def open_case(
    device: Device,
    reason: str,
    *,
    in_charge: AbstractBaseUser | None = None,
    by: AbstractBaseUser | None = None,
) -> Case:
    """Hold a device for a reason, and name who sees to it; `Refused` where it can't be held."""
    if not (reason := reason.strip()):
        raise CaseRefused(Fault(_("Say what is not right: it is kept."), field="reason"))
    held = Held([device.pk])
    if (other := Case.objects.filter(device=device, decided_at=None).first()) is not None:
        words = {"serial": device.serial, "case": other.pk}
        text = _("%(serial)s has case %(case)d open already: go on with that one.")
        raise CaseRefused(text % words)
    if held.found[device.pk].state != DeviceState.ON_HOLD:
        held.move(Move.HOLD, by=by, why=reason)
    return Case.objects.create(
        device=device,
        reason=reason,
        in_charge_id=None if in_charge is None else in_charge.pk,
        opened_by_id=None if by is None else by.pk,
    )


@transaction.atomic
def hand_over(case: Case, in_charge: AbstractBaseUser | None) -> None:
    """Somebody else sees to it from now on."""
    Held([case.device_id])
    _refuse_decided(case)
    Case.objects.filter(pk=case.pk).update(in_charge=None if in_charge is None else in_charge.pk)


@transaction.atomic
def decide(case: Case, disposition: str, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Say what becomes of the device, and do it.

    Used or tested again it is released, scrapped it is retired. What is returned to the maker stays
    on hold until it is packed into a shipment that says so.
    """
    faults = []
    if disposition not in Case.Disposition.values or not disposition:
        faults.append(Fault(_("Choose what becomes of the device."), field="disposition"))
    if not (why := why.strip()):
        faults.append(Fault(_("Say why: it is kept with the device."), field="why"))
    if faults:
        raise CaseRefused(faults)
    held = Held([case.device_id])
    _refuse_decided(case)
    if disposition == Case.Disposition.SCRAP:
        held.move(Move.RETIRE, by=by, why=why, excused=True)
    elif (
        disposition != Case.Disposition.RETURN
        and held.found[case.device_id].state == DeviceState.ON_HOLD
    ):
        held.move(Move.RELEASE, by=by, why=why, excused=True)
    Case.objects.filter(pk=case.pk).update(
        disposition=disposition,
        decided_why=why[:300],
        decided_at=timezone.now(),
        decided_by=None if by is None else by.pk,
    )


def _refuse_decided(case: Case) -> None:
    """`CaseRefused` where somebody has decided meanwhile; who asks holds the device."""
    case.refresh_from_db()
    if not case.is_open:
        words = {"case": case.pk, "what": case.get_disposition_display()}
        raise CaseRefused(_("Case %(case)d is decided already: %(what)s.") % words)


def open_cases(devices: Collection[int]) -> dict[int, int]:
    """Device -> its open case, of some devices (ids)."""
    rows = Case.objects.filter(device__in=devices, decided_at=None).order_by("pk")
    return dict(rows.values_list("device", "pk"))


def speak_against(move: Move, devices: Mapping[int, str], **_named: Any) -> dict[int, str]:
    """What open cases have against a move: their decision releases or retires a device."""
    if move not in ENDS_HOLD or not devices:
        return {}
    text = _("%(serial)s has case %(case)d open: decide it, which also does this.")
    return {
        device: text % {"serial": devices[device], "case": case}
        for device, case in open_cases(devices).items()
    }
