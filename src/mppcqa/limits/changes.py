"""Limits as new versions: what a change would do, and doing it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import Campaign, signatures_needed
from mppcqa.inventory.models import Device, DeviceType
from mppcqa.limits.grading import Graded, grade
from mppcqa.limits.judging import (
    judge_again,
    judge_by_own,
    limits_of,
    own_limits,
    standing_analyses,
)
from mppcqa.limits.models import Limit, LimitSet
from mppcqa.limits.objections import stage_title
from mppcqa.queue.actions import submit
from mppcqa.refused import Refused
from mppcqa.results.models import Standing
from mppcqa.results.references import quantity_ids
from mppcqa.signing.models import Act, SignedAct
from mppcqa.signing.pen import Pen, is_waiting, sign
from mppcqa.stages import Condition, Stage, all_stages, get_stage

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    from mppcqa.queue.models import Task

PIECE = 500
AT_ONCE = 2000
"""Devices that one task judges anew."""
SHOWN = 100
MOST_REASON = Limit._meta.get_field("reason").max_length or 0
MOST_TITLE = LimitSet._meta.get_field("title").max_length or 0
BANDS = ("pass_low", "pass_high", "warn_low", "warn_high")
Told = Callable[[int], None]


class LimitsRefused(Refused):
    """No limit set was made; `faults` says everything that is wrong."""


def new_version(
    stage: Stage,
    limits: Sequence[Mapping[str, Any]],
    *,
    title: str,
    reason: str = "",
    device_type: DeviceType | None = None,
    campaign: Campaign | None = None,
    by: AbstractBaseUser | None = None,
) -> LimitSet:
    """A version that is not in use yet; raises `LimitsRefused` with all faults.

    With a `device_type` or a `campaign` it will judge devices of that type, or in that campaign;
    without either those that have no limits of their own.

    A limit names ``quantity`` (key), some of ``pass_low``, ``pass_high``, ``warn_low``,
    ``warn_high`` in the quantity's stored unit, and may name ``at`` (a `Condition`) and ``reason``.
    """
    title = title.strip()
    faults = [] if title else [_("The limit set needs a title.")]
    if len(title) > MOST_TITLE:
        faults.append(_("The title is longer than %d characters.") % MOST_TITLE)
    declared = {quantity.key: quantity for quantity in stage.quantities}
    if not limits:
        faults.append(_("There is no limit in the set: give at least one band."))
    for limit in limits:
        quantity = declared.get(limit["quantity"])
        name = _(quantity.title) if quantity else limit["quantity"]
        if quantity is None:
            faults.append(_("The stage has no quantity “%s”.") % name)
        faults += [
            f"{name}: {text}" for text in (*_band_faults(limit), *_axis_faults(stage, limit))
        ]
        if len(limit.get("reason") or "") > MOST_REASON:
            text = _("the reason is longer than %d characters") % MOST_REASON
            faults.append(f"{name}: {text}")
    if faults:
        raise LimitsRefused(faults)
    with transaction.atomic():
        quantities = quantity_ids(stage)
        last = LimitSet.objects.filter(stage=stage.key).aggregate(last=Max("version"))["last"]
        made = LimitSet.objects.create(
            stage=stage.key,
            device_type=device_type,
            campaign=campaign,
            version=(last or 0) + 1,
            title=title,
            reason=reason.strip(),
            made_by_id=None if by is None else by.pk,
        )
        Limit.objects.bulk_create(
            Limit(
                limit_set=made,
                quantity_id=quantities[limit["quantity"]],
                at=limit.get("at", Condition()),
                reason=limit.get("reason") or "",
                **{name: limit.get(name) for name in BANDS},
            )
            for limit in limits
        )
    return made


def _axis_faults(stage: Stage, limit: Mapping[str, Any]) -> list[str]:
    """No value is on an axis that the stage has not: every device would be incomplete."""
    axes = [axis.key for axis in stage.axes]
    text = _("the stage has no axis “%(axis)s”; it has %(there)s")
    there = ", ".join(axes) or "—"
    at = limit.get("at", Condition())
    return [text % {"axis": key, "there": there} for key in at if key not in axes]


def _band_faults(limit: Mapping[str, Any]) -> list[str]:
    given = [limit.get(name) for name in BANDS]
    given += limit.get("at", Condition()).values()
    if not all(value is None or math.isfinite(value) for value in given):
        return [_("a limit is a number; leave it empty where there is none")]
    low, high, warn_low, warn_high = given[:4]
    faults = []
    if low is None and high is None:
        faults.append(_("the pass band has no end; give one, or leave the quantity out"))
    if low is not None and high is not None and low > high:
        faults.append(_("the pass band ends before it begins"))
    if warn_low is not None and (low is None or warn_low > low):
        faults.append(_("the warning band must begin below the pass band"))
    if warn_high is not None and (high is None or warn_high < high):
        faults.append(_("the warning band must end above the pass band"))
    return faults


def effect(limit_set: LimitSet, told: Told = lambda devices: None) -> dict[str, Any]:
    """How many devices stand with which verdict now, and with which they would; plain JSON.

    Of a set in use that is not the general one: what withdrawing it would do. ``moves`` is
    [from, to, devices] with an empty text where there is no verdict now; ``flips`` has the first
    devices whose verdict would change.
    """
    stage = get_stage(limit_set.stage)
    withdrawn = limit_set if limit_set.active and not limit_set.is_general else None
    moves: Counter[tuple[str, str]] = Counter()
    flips: list[list[str]] = []
    done = 0
    for ids, outcomes in _judged_by(limit_set):
        found: Graded = {}
        for by, members in (
            limits_of(stage, ids, without=withdrawn) if withdrawn else ((limit_set, ids),)
        ):
            found |= grade(stage, by, standing_analyses(limit_set.stage, members))
        changed = []
        for device, (outcome, _details) in found.items():
            moves[outcomes[device], outcome.value] += 1
            if outcomes[device] != outcome.value:
                changed.append(device)
        if changed and len(flips) < SHOWN:
            names = Device.objects.filter(pk__in=changed).order_by("serial")[:SHOWN]
            flips += [[one.serial, outcomes[one.pk], found[one.pk][0].value] for one in names]
        done += len(ids)
        told(done)
    return {
        "devices": done,
        "moves": [[*pair, n] for pair, n in sorted(moves.items())],
        "flips": flips[:SHOWN],
    }


def standings_judged_by(limit_set: LimitSet) -> QuerySet[Standing]:
    """Standings that a limit set judges while it is in use: those of its campaign and type that
    have no limits in use which come before it, see `judging.own_limits`.
    """
    rows = Standing.objects.filter(stage=limit_set.stage)
    campaign, kind = limit_set.campaign_id, limit_set.device_type_id
    if campaign is not None:
        rows = rows.filter(device__campaign=campaign)
    if kind is not None:
        rows = rows.filter(device__device_type=kind)
    for other_campaign, other_kind in own_limits(limit_set.stage, without=limit_set):
        before = (other_campaign is not None, other_kind is not None)
        if before <= (campaign is not None, kind is not None):
            continue
        if campaign is not None and other_campaign != campaign:
            continue
        if kind is not None and other_kind not in (None, kind):
            continue
        theirs: dict[str, int] = {}
        if other_campaign is not None:
            theirs["device__campaign"] = other_campaign
        if other_kind is not None:
            theirs["device__device_type"] = other_kind
        rows = rows.exclude(**theirs)
    return rows


def _judged_by(limit_set: LimitSet) -> Iterator[tuple[list[int], dict[int, str]]]:
    """The devices of these standings, some at a time, with their outcomes."""
    last = 0
    while True:
        rows = standings_judged_by(limit_set).filter(device__gt=last).order_by("device")
        found = dict(rows.values_list("device", "outcome")[:PIECE])
        if not found:
            return
        yield list(found), found
        last = max(found)


@transaction.atomic
def ask_apply(limit_set: LimitSet, *, by: Pen | None = None) -> Task | None:
    """Put a limit set into use as a task: what comes in from now on is judged by it, and all
    devices that it is for and that stand at its stage are judged anew. Former verdicts stay
    readable. None where another person must sign as well.
    """

    def meaning() -> str:
        text = _("I put these limits into use, and devices are judged by them: %s")
        return text % _in_full(limit_set)

    if is_waiting(_sign(limit_set, by, meaning, "apply")):
        return None
    return submit(
        "limits.apply",
        {"limit_set_id": limit_set.pk},
        by=None if by is None else by.person,
        about=limit_set,
        key=f"limits:{limit_set.stage}",
    )


def apply(limit_set: LimitSet, told: Told = lambda devices: None) -> int:
    """What the task does; returns how many devices were judged. May be called again."""
    with transaction.atomic():
        LimitSet.objects.filter(
            stage=limit_set.stage,
            device_type=limit_set.device_type_id,
            campaign=limit_set.campaign_id,
            active=True,
        ).exclude(pk=limit_set.pk).update(active=False)
        LimitSet.objects.filter(pk=limit_set.pk).update(active=True)
    return _judge_all(limit_set, limit_set, told)


@transaction.atomic
def ask_withdraw(limit_set: LimitSet, *, by: Pen | None = None) -> Task | None:
    """Take the limits of a device type or campaign out of use as a task: others judge it then.

    None where another person must sign as well.
    """
    if limit_set.is_general:
        raise LimitsRefused([_("The general limits can't be withdrawn: put others into use.")])

    def meaning() -> str:
        text = _("I take these limits out of use, and devices are judged by those left: %s")
        return text % _in_full(limit_set)

    if is_waiting(_sign(limit_set, by, meaning, "withdraw")):
        return None
    return submit(
        "limits.withdraw",
        {"limit_set_id": limit_set.pk},
        by=None if by is None else by.person,
        about=limit_set,
        key=f"limits:{limit_set.stage}",
    )


def _in_full(limit_set: LimitSet) -> str:
    return f"{stage_title(limit_set.stage)}: {limit_set.named}"


def _sign(
    limit_set: LimitSet, by: Pen | None, meaning: Callable[[], str], what: str
) -> SignedAct | None:
    """General limits touch devices of each campaign: any of them may want two signatures."""
    return sign(
        by,
        Act.LIMITS,
        limit_set,
        named=f"{limit_set.stage}, {limit_set.named}",
        meaning=meaning,
        told={"what": what, "version": limit_set.version},
        needed=signatures_needed(Act.LIMITS, [limit_set.campaign_id]),
    )


def withdraw(limit_set: LimitSet, told: Told = lambda devices: None) -> int:
    """What that task does; returns how many devices were judged. May be called again."""
    LimitSet.objects.filter(pk=limit_set.pk).update(active=False)
    return _judge_all(limit_set, None, told)


def _judge_all(of: LimitSet, by: LimitSet | None, told: Told) -> int:
    """Judge the devices of a set by it, or each by what is in use for it."""
    stage = get_stage(of.stage)
    done = 0
    for ids, _outcomes in _judged_by(of):
        if by is None:
            judge_by_own(stage, ids)
        else:
            judge_again(stage, by, ids)
        done += len(ids)
        told(done)
    return done


def has_campaign_limits() -> bool:
    """Whether any limits in use are of a campaign."""
    return LimitSet.objects.filter(active=True).exclude(campaign=None).exists()


def ask_judge(devices: Iterable[int], *, by: AbstractBaseUser | None = None) -> list[Task]:
    """Judge devices (ids) that come into another campaign anew, as tasks.

    None where no limits in use are of a campaign. Former verdicts stay readable; a waiver is of
    the verdict that it was granted for.
    """
    if not has_campaign_limits():
        return []
    ids = sorted(set(devices))
    return [
        submit("limits.judge_devices", {"devices": ids[start : start + AT_ONCE]}, by=by)
        for start in range(0, len(ids), AT_ONCE)
    ]


def judge_devices(devices: Iterable[int], told: Told = lambda devices: None) -> int:
    """What such a task does at all stages at which they stand; returns how many standings."""
    ids, done = sorted(set(devices)), 0
    known = {stage.key: stage for stage in all_stages()}
    for start in range(0, len(ids), PIECE):
        rows = Standing.objects.filter(device__in=ids[start : start + PIECE]).order_by("device")
        members: dict[str, list[int]] = {}
        for device, key in rows.values_list("device", "stage"):
            members.setdefault(key, []).append(device)
        for key in sorted(members.keys() & known.keys()):
            judge_by_own(known[key], members[key])
            done += len(members[key])
            told(done)
    return done
