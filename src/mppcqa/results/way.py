"""What comes next for devices: the first stage of their campaign that is open for them, and where.

The same rules twice: `ways` for devices that are read, with few queries for however many, and
`with_next` as a condition of a query, for a list of millions. A test holds one against the other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce, Mod
from django.db.models.lookups import LessThan
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device
from mppcqa.inventory.placing import campaign_of
from mppcqa.inventory.states import AT_HAND, DeviceState
from mppcqa.inventory.way import Condition
from mppcqa.results.models import Outcome, Standing
from mppcqa.runs.models import RunSlot, Station
from mppcqa.stages import all_stages

ON_THE_WAY = AT_HAND | {DeviceState.LOADED, DeviceState.IN_TEST}
"""States in which a device may go to a stage."""
PASSED = (Outcome.PASS, Outcome.WARNING)
TRIES = 2
"""How often a device is measured at a stage that says that a failure is repeated."""
HOLD, DONE = "hold", "done"
"""What may come next beside a stage."""


@dataclass(frozen=True)
class Way:
    """What comes next for a device, and why."""

    next: str
    """Key of a stage, `HOLD`, `DONE`; empty where nothing is said."""
    text: str
    why: str = ""
    stations: tuple[str, ...] = ()
    """Names of the stations where that is done."""
    checklist: str = ""
    """Key of the stage where a person fills in a checklist for it, wherever that is."""

    @property
    def where(self) -> str:
        return ", ".join(self.stations)


Asked = tuple[int, str, int]
"""Device, its state, its campaign (ids)."""


def ways(devices: Iterable[Asked]) -> dict[int, Way]:
    """Device -> what comes next: three queries, or one where no campaign has stages."""
    asked = list(devices)
    if not asked:
        return {}
    campaigns = {
        one.pk: one
        for one in Campaign.objects.filter(pk__in={campaign for *_device, campaign in asked})
        if one.stages
    }
    asked = [one for one in asked if one[2] in campaigns]
    if not asked:
        return {}
    ids = [pk for pk, *_rest in asked]
    outcomes: dict[int, dict[str, str]] = defaultdict(dict)
    rows = Standing.objects.filter(device__in=ids).annotate(waived=_waived(""))
    for device, stage, outcome, waived in rows.values_list("device", "stage", "outcome", "waived"):
        outcomes[device][stage] = Outcome.PASS if waived else outcome
    measured = _measured(
        [pk for pk in ids if Outcome.FAIL in outcomes[pk].values()], campaigns.values()
    )
    stations: dict[str, list[str]] = defaultdict(list)
    for stage, name in Station.objects.order_by("name").values_list("stage", "name"):
        stations[stage].append(name)
    titles = {stage.key: _(stage.title) for stage in all_stages()}
    return {
        pk: _way(pk, state, campaigns[campaign], outcomes[pk], measured, stations, titles)
        for pk, state, campaign in asked
    }


@cache
def checklists() -> frozenset[str]:
    """Keys of the stages that are checklists."""
    return frozenset(stage.key for stage in all_stages() if stage.checklist)


def way_of(device: Device) -> Way | None:
    """What comes next for one device; None where its campaign says nothing of stages."""
    asked = (device.pk, device.state, campaign_of(device))
    return ways([asked]).get(device.pk)


def _measured(devices: Collection[int], campaigns: Iterable[Campaign]) -> dict[Any, int]:
    """(Device, stage) -> how often it was measured there, of those that may be repeated."""
    stages = {
        stage
        for one in campaigns
        for stage in one.stages
        if Condition.of_stage(one.conditions, stage).repeat
    }
    if not (devices and stages):
        return {}
    rows = _runs_of(RunSlot.objects.filter(device__in=devices, run__stage__in=stages))
    counted = rows.values_list("device", "run__stage").annotate(n=Count("run", distinct=True))
    return {(device, stage): n for device, stage, n in counted}


def _runs_of(slots: QuerySet[RunSlot]) -> QuerySet[RunSlot]:
    """Those of runs that left a file."""
    return slots.filter(run__files__isnull=False).order_by()


def _way(
    pk: int,
    state: str,
    campaign: Campaign,
    outcomes: dict[str, str],
    measured: dict[Any, int],
    stations: dict[str, list[str]],
    titles: dict[str, str],
) -> Way:
    if state == DeviceState.ON_HOLD:
        return Way(HOLD, _("on hold: somebody decides"))
    if state not in ON_THE_WAY:
        return Way("", "")
    skipped = []
    for stage in campaign.stages:
        condition, title = Condition.of_stage(campaign.conditions, stage), titles.get(stage, stage)
        outcome = outcomes.get(stage, "")
        checklist = stage if stage in checklists() else ""
        if outcome in PASSED:
            continue
        if not condition.takes(pk) and not outcome:
            words = {"stage": title, "sample": condition.sample_text(), "number": pk}
            text = _("%(stage)s takes %(sample)s, and this one (number %(number)d) is not of them")
            skipped.append(text % words)
            continue
        if outcome == Outcome.FAIL:
            if condition.repeat and measured.get((pk, stage), 0) < TRIES:
                why = _("it failed once, and is measured once more")
                text = _("%s, again") % title
                return Way(stage, text, why, tuple(stations[stage]), checklist)
            if condition.hold:
                return Way(HOLD, _("put on hold"), _("it failed at %s") % title)
            continue
        why = _("of the sample: %s") % condition.sample_text() if condition.is_sample else ""
        whys = [*skipped, why] if why else skipped
        return Way(stage, title, "; ".join(whys), tuple(stations[stage]), checklist)
    return Way(DONE, _("all stages done"), "; ".join(skipped))


def _waived(before: str) -> Q:
    """That somebody took a device in spite of its verdict, and it holds."""
    waiver = f"{before}verdict__waiver"
    until = Q(**{f"{waiver}__expires_on__isnull": True})
    until |= Q(**{f"{waiver}__expires_on__gte": timezone.now().date()})
    return Q(**{f"{waiver}__isnull": False}) & until


def with_next(rows: QuerySet[Device], wanted: str) -> QuerySet[Device]:
    """Those of some devices for which a stage (its key), `HOLD` or `DONE` comes next."""
    if not wanted:
        return rows
    chosen = Q(state=DeviceState.ON_HOLD) if wanted == HOLD else Q(pk__in=[])
    for campaign in Campaign.objects.exclude(stages=[]):
        before = Q(campaign=campaign, state__in=ON_THE_WAY)
        for stage in campaign.stages:
            condition = Condition.of_stage(campaign.conditions, stage)
            open_, hold, behind = _parts(stage, condition)
            if wanted == stage:
                chosen |= before & open_
            elif wanted == HOLD:
                chosen |= before & hold
            before &= behind
        if wanted == DONE:
            chosen |= before
    with_stages = Campaign.objects.exclude(stages=[]).values("pk")
    return rows.filter(chosen, campaign__in=with_stages)


def _parts(stage: str, condition: Condition) -> tuple[Q, Q, Q]:
    """Of devices at a stage: that it is open for them, holds them, or lies behind them."""
    standings = Standing.objects.filter(device=OuterRef("pk"), stage=stage)
    passed = Q(Exists(standings.filter(Q(outcome__in=PASSED) | _waived(""))))
    failed = Q(Exists(standings.filter(outcome=Outcome.FAIL))) & ~passed
    unknown = ~passed & ~failed
    taken: Q = Q(pk__isnull=False)
    if condition.is_sample:
        number = Mod(F("pk") * condition.take, condition.of)
        judged = Q(Exists(standings.exclude(outcome="")))
        taken = Q(LessThan(number, condition.take)) | judged
    again: Q = Q(pk__in=[])
    if condition.repeat:
        slots = _runs_of(RunSlot.objects.filter(device=OuterRef("pk"), run__stage=stage))
        n = slots.values("device").annotate(n=Count("run", distinct=True)).values("n")
        again = failed & Q(LessThan(Coalesce(Subquery(n), 0), TRIES))
    hold = failed & ~again if condition.hold else Q(pk__in=[])
    open_ = (unknown & taken) | again
    return open_, hold, ~open_ & ~hold
