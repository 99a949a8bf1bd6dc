"""Lots are accepted or rejected by a sample: drawn, judged, decided, lifted."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.models import Device, Lot
from mppcqa.inventory.moving import Held
from mppcqa.inventory.states import DeviceState, Move
from mppcqa.limits.acceptance import Acceptance
from mppcqa.limits.signals import lot_decided
from mppcqa.refused import Fault, Refused
from mppcqa.results.models import Outcome, Standing
from mppcqa.statistics.models import DeviceSummary
from mppcqa.statistics.sampling import ByCount, ByValue, Plan, judge_values

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

PIECE = 500
AWAY = (DeviceState.SHIPPED, DeviceState.LOST, DeviceState.RETIRED, DeviceState.INSTALLED)
"""Where a device is none of the lot that could be drawn."""
Draw = Callable[[list[int], int], list[int]]


class AcceptanceRefused(Refused):
    """Nothing was changed; each fault says why and what to do."""


@dataclass(frozen=True)
class Progress:
    """How far a sample is: what is judged, what not, and what it says if that is enough."""

    nonconforming: tuple[int, ...]
    """Devices (ids)."""
    open: tuple[int, ...]
    """Not judged yet, or without a value."""
    outcome: str
    """`Acceptance.Outcome`; empty where more has to be known."""
    found: dict[str, Any]


def lot_size(lot: Lot) -> int:
    """Devices of a lot that are there."""
    return int(_there(lot).count())


def _there(lot: Lot) -> Any:
    return Device.objects.visible_to(None).filter(lot=lot).exclude(state__in=AWAY)


def plan_of(row: Acceptance) -> Plan:
    """The plan of a record."""
    told = row.plan
    return ByValue(told["n"], told["k"]) if "k" in told else ByCount(told["n"], told["accept"])


def _secretly(ids: list[int], n: int) -> list[int]:
    return random.SystemRandom().sample(ids, n)


@transaction.atomic
def draw(
    lot: Lot,
    stage: str,
    plan: Plan,
    told: dict[str, Any],
    *,
    by: AbstractBaseUser | None = None,
    choose: Draw = _secretly,
) -> Acceptance:
    """Draw the sample of a plan from what is there of a lot, each device with equal chance.

    `told` is kept with the plan's numbers: see `Acceptance.plan`.
    """
    Lot.objects.select_for_update().get(pk=lot.pk)
    if Acceptance.objects.filter(lot=lot, stage=stage, decided_at=None).exists():
        text = _("A sample of lot %s is drawn already: go on with that one.")
        raise AcceptanceRefused(Fault(text % lot, field="lot"))
    ids = list(_there(lot).order_by("pk").values_list("pk", flat=True))
    if len(ids) < plan.n:
        text = _("The plan wants %(n)d devices, and of lot %(lot)s %(there)d are there.")
        words = {"n": plan.n, "lot": lot, "there": len(ids)}
        raise AcceptanceRefused(Fault(text % words, field="lot"))
    made = Acceptance.objects.create(
        lot=lot,
        lot_size=len(ids),
        stage=stage,
        plan={**told, **asdict(plan)},
        drawn_by_id=None if by is None else by.pk,
    )
    made.sample.add(*choose(ids, plan.n))
    return made


def progress(row: Acceptance) -> Progress:
    """What its sample says now: by attributes from standing verdicts, else from values.

    By attributes a device is nonconforming that fails, waived or not. More of them than may be
    reject the lot before the rest is judged.
    """
    plan = plan_of(row)
    sample = sorted(row.sample.values_list("pk", flat=True))
    return _by_value(row, plan, sample) if isinstance(plan, ByValue) else _by_count(
        row, plan, sample
    )  # fmt: skip


def _by_count(row: Acceptance, plan: ByCount, sample: list[int]) -> Progress:
    said: dict[int, str] = {}
    for start in range(0, len(sample), PIECE):
        rows = Standing.objects.visible_to(None).filter(
            device__in=sample[start : start + PIECE], stage=row.stage
        )
        said.update(rows.values_list("device_id", "outcome"))
    bad = tuple(pk for pk in sample if said.get(pk) == Outcome.FAIL)
    unknown = tuple(pk for pk in sample if said.get(pk, "") in ("", Outcome.INCOMPLETE))
    outcome = ""
    if len(bad) > plan.accept:
        outcome = Acceptance.Outcome.REJECTED.value
    elif not unknown:
        outcome = Acceptance.Outcome.ACCEPTED.value
    found = {"nonconforming": len(bad), "judged": len(sample) - len(unknown)}
    return Progress(bad, unknown, outcome, found)


def _by_value(row: Acceptance, plan: ByValue, sample: list[int]) -> Progress:
    values: dict[int, float] = {}
    low, high = row.plan.get("low"), row.plan.get("high")
    for start in range(0, len(sample), PIECE):
        rows = DeviceSummary.objects.visible_to(None).filter(
            device__in=sample[start : start + PIECE], series=row.plan["series"]
        )
        values.update(rows.values_list("device_id", "mean"))
    unknown = tuple(pk for pk in sample if pk not in values)
    bad = tuple(
        pk
        for pk, value in values.items()
        if (low is not None and value < low) or (high is not None and value > high)
    )
    found: dict[str, Any] = {"nonconforming": len(bad), "judged": len(values)}
    outcome = ""
    if not unknown:
        said = judge_values(plan, [values[pk] for pk in sample], low, high)
        found |= {"share": said.share, "most": said.most, "mean": said.mean, "sigma": said.sigma}
        which = Acceptance.Outcome
        outcome = (which.ACCEPTED if said.accepted else which.REJECTED).value
    return Progress(bad, unknown, outcome, found)


@transaction.atomic
def decide(row: Acceptance, *, by: AbstractBaseUser | None = None) -> Acceptance:
    """Accept or reject the lot by what its sample says; a rejected lot holds its devices."""
    now = Acceptance.objects.select_for_update().select_related("lot").get(pk=row.pk)
    if not now.is_open:
        words = {"lot": now.lot, "what": now.get_outcome_display()}
        raise AcceptanceRefused(_("Lot %(lot)s is decided already: %(what)s.") % words)
    said = progress(now)
    if not said.outcome:
        text = _("%d devices of the sample are not judged yet; measure and judge them first.")
        raise AcceptanceRefused(text % len(said.open))
    now.outcome, now.found = said.outcome, said.found
    now.decided_at, now.decided_by_id = timezone.now(), None if by is None else by.pk
    if now.outcome == Acceptance.Outcome.REJECTED:
        now.held = _hold(now, by)
    now.save()
    lot_decided.send(Acceptance, acceptance=now)
    return now


def _hold(row: Acceptance, by: AbstractBaseUser | None) -> list[int]:
    """Put on hold what is at hand of a lot; what sits in a station or a box can't be moved out."""
    held = Held(Device.objects.visible_to(None).filter(lot=row.lot).values_list("pk", flat=True))
    free = sorted(held.found.keys() - held.faults(Move.HOLD).keys())
    if free:
        held.move(Move.HOLD, free, by=by, why=_("lot %s is rejected") % row.lot)
    return free


@transaction.atomic
def lift(row: Acceptance, why: str, *, by: AbstractBaseUser | None = None) -> None:
    """Take a rejection back, for a reason: what it put on hold is released."""
    if not (why := why.strip()):
        raise AcceptanceRefused(Fault(_("Say why: it is kept with the lot."), field="why"))
    now = Acceptance.objects.select_for_update().select_related("lot").get(pk=row.pk)
    if not now.rejects:
        raise AcceptanceRefused(_("Lot %s is not rejected, or not any more.") % now.lot)
    Acceptance.objects.filter(pk=now.pk).update(
        lifted_at=timezone.now(), lifted_by=None if by is None else by.pk, lifted_why=why[:300]
    )
    held = Held(now.held)
    free = sorted(held.found.keys() - held.faults(Move.RELEASE).keys())
    if free:
        held.move(Move.RELEASE, free, by=by, why=why)
