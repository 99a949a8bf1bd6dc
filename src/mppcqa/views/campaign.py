"""A campaign as a whole: how far it is, its yields and what devices fail by; from small tables."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType, Lot
from mppcqa.inventory.states import DeviceState
from mppcqa.limits.models import Verdict, Waiver
from mppcqa.results.models import Outcome, Standing
from mppcqa.stages import Stage, all_stages
from mppcqa.statistics.models import QuantityCount, WeekYield
from mppcqa.statistics.outcomes import GOOD, monday
from mppcqa.statistics.planning import Wanted, all_plans
from mppcqa.views.group import BEGINNING, UNTESTED, StageCount
from mppcqa.views.texts import NONE
from mppcqa.views.verdict import WAIVED
from mppcqa.views.yields import Yield, yield_of

GROUPS = 30
"""Lots, makers or types that a table has; the rest are one line."""
WEEKS = 104
QUANTITIES = 15
LATEST = 4
"""Weeks whose pace says when the rest may be done."""
CHUNK = 5000


@dataclass(frozen=True)
class WeekCount:
    """Devices of a stage by the week (its Monday, UTC) of their first verdict."""

    week: dt.date
    first: Yield
    """By the first verdict."""
    last: Yield
    """By the one that stands now."""


@dataclass(frozen=True)
class Reason:
    """Devices that fail, or are incomplete, by one quantity."""

    title: str
    failed: int
    incomplete: int


@dataclass(frozen=True)
class Plan:
    """How far a stage is, and when the rest may be done at the pace of the last weeks."""

    title: str
    judged: int
    left: int
    a_week: float
    """Devices judged for the first time a week, over the latest weeks in which any was."""
    until: dt.date | None
    """None where nothing is left, or no pace is known."""
    wanted: Wanted | None = None


@dataclass(frozen=True)
class StageYields:
    """A stage of a campaign."""

    count: StageCount
    weeks: tuple[WeekCount, ...]
    reasons: tuple[Reason, ...]
    by_lot: tuple[tuple[str, StageCount], ...]
    by_maker: tuple[tuple[str, StageCount], ...]


@dataclass(frozen=True)
class CampaignView:
    """All that the report of a campaign says."""

    name: str
    as_of: dt.datetime
    facts: tuple[tuple[str, str], ...]
    devices: int
    stages: tuple[StageYields, ...]
    plan: tuple[Plan, ...]
    kinds: tuple[tuple[str, int], ...]
    """Devices by type."""
    states: tuple[tuple[str, int], ...]
    """Devices by where they are in their life, in words."""


def campaign_view(campaign: Campaign) -> CampaignView:
    """A campaign as it stands now. Twelve questions, however many devices it has."""
    devices = Device.objects.visible_to(None).filter(campaign=campaign).order_by()
    total = devices.count()
    groups = _groups(devices)
    standings = Standing.objects.visible_to(None).filter(device__campaign=campaign).order_by()
    counts = _counts(standings, campaign)
    order = _stages(campaign, {stage for stage, *_rest in counts})
    alone = not Device.objects.visible_to(None).exclude(campaign=campaign).exists()
    weeks = _all_weeks() if alone else _own_weeks(campaign)
    reasons = _all_reasons() if alone else _own_reasons(campaign)
    names = {
        "lot": dict(Lot.objects.values_list("pk", "name")),
        "maker": {
            pk: name or NONE for pk, name in DeviceType.objects.values_list("pk", "maker__name")
        },
    }
    stages = tuple(
        StageYields(
            StageCount(key, title, _numbers(counts, key, total)),
            tuple(weeks.get(key, ())[-WEEKS:]),
            tuple(_told(reasons.get(key, {}), stage)),
            tuple(_by(counts, groups, key, title, names["lot"], 0)),
            tuple(_by(counts, groups, key, title, names["maker"], 1)),
        )
        for key, title, stage in order
    )
    kinds = devices.values_list("device_type__name").annotate(n=Count("pk"))
    states = devices.values_list("state").annotate(n=Count("pk"))
    wanted = all_plans(timezone.now().date())
    return CampaignView(
        name=campaign.name,
        as_of=_newest(devices, standings, campaign),
        facts=tuple(_facts(campaign, total)),
        devices=total,
        stages=stages,
        plan=tuple(
            _plan(one.count, total, weeks.get(one.count.key, ()), wanted.get(one.count.key))
            for one in stages
        ),
        kinds=tuple(sorted(kinds, key=lambda pair: (-pair[1], pair[0]))),
        states=tuple((str(DeviceState(key).label), n) for key, n in sorted(states)),
    )


Key = tuple[str, str, int | None, int]
"""Stage, state, lot and device type."""


def _counts(standings: QuerySet[Standing], campaign: Campaign) -> Counter[Key]:
    """Devices by what they stand as; a waiver that holds sets a verdict aside."""
    columns = ("stage", "outcome", "device__lot", "device__device_type")
    found: Counter[Key] = Counter()
    for stage, outcome, lot, kind, n in standings.values_list(*columns).annotate(n=Count("pk")):
        found[stage, outcome or UNTESTED, lot, kind] += n
    waived = Waiver.objects.filter(verdict__device__campaign=campaign).select_related("verdict")
    standing = standings.filter(verdict__waiver__isnull=False).values_list("verdict", *columns)
    holding = {one.verdict_id for one in waived if one.holds}
    for verdict, stage, outcome, lot, kind in standing:
        if verdict in holding:
            found[stage, outcome, lot, kind] -= 1
            found[stage, WAIVED, lot, kind] += 1
    return found


def _groups(devices: QuerySet[Device]) -> dict[tuple[int | None, int], int]:
    """Devices by lot and type."""
    rows = devices.values_list("lot", "device_type").annotate(n=Count("pk"))
    return {(lot, kind): n for lot, kind, n in rows}


def _stages(campaign: Campaign, there: set[str]) -> list[tuple[str, str, Stage | None]]:
    """Key, title and stage: those that the campaign names in its order, then what was measured."""
    known = {one.key: one for one in all_stages()}
    keys = [*campaign.stages, *(key for key in known if key in there), *sorted(there)]
    return [
        (key, _(known[key].title) if key in known else key, known.get(key))
        for key in dict.fromkeys(keys)
    ]


def _numbers(counts: Counter[Key], stage: str, total: int) -> dict[str, int]:
    found: Counter[str] = Counter()
    for (key, state, _lot, _kind), n in counts.items():
        if key == stage:
            found[state] += n
    found[UNTESTED] += total - found.total()
    return dict(found)


def _by(
    counts: Counter[Key],
    groups: Mapping[tuple[int | None, int], int],
    stage: str,
    title: str,
    names: Mapping[int, str],
    part: int,
) -> list[tuple[str, StageCount]]:
    """How the devices of each lot (part 0) or maker (part 1) stand, the largest first."""
    sizes: Counter[str] = Counter()
    for place, n in groups.items():
        sizes[names.get(place[part] or 0, NONE)] += n
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (key, state, lot, kind), n in counts.items():
        if key == stage:
            found[names.get((lot, kind)[part] or 0, NONE)][state] += n
    ordered = sorted(found, key=lambda name: (-sizes[name], name))
    shown, rest = ordered[:GROUPS], ordered[GROUPS:]
    if rest:
        others = _("%d others") % len(rest)
        found[others] = sum((found[name] for name in rest), Counter())
        sizes[others] = sum(sizes[name] for name in rest)
        shown = [*shown, others]
    for name in shown:
        found[name][UNTESTED] += sizes[name] - found[name].total()
    return [(name, StageCount(stage, title, dict(found[name]))) for name in shown]


def _all_weeks() -> dict[str, list[WeekCount]]:
    """By stage, from the summaries of all devices."""
    found: dict[str, list[WeekCount]] = defaultdict(list)
    for row in WeekYield.objects.filter(judged__gt=0).order_by("stage", "week"):
        first, last = (yield_of(n, row.judged) for n in (row.first_passed, row.last_passed))
        found[row.stage].append(WeekCount(row.week, first, last))
    return found


def _own_weeks(campaign: Campaign) -> dict[str, list[WeekCount]]:
    """By stage, from the verdicts of a campaign that is not all there is."""
    verdicts = Verdict.objects.visible_to(None).filter(device__campaign=campaign).order_by("pk")
    first: dict[tuple[str, int], tuple[dt.date, bool]] = {}
    for device, stage, at, outcome in verdicts.values_list(
        "device_id", "stage", "judged_at", "outcome"
    ).iterator(CHUNK):
        first.setdefault((stage, device), (monday(at), outcome in GOOD))
    standing = Standing.objects.visible_to(None).filter(device__campaign=campaign)
    last = standing.order_by().values_list("stage", "device_id", "outcome")
    numbers: dict[tuple[str, dt.date], list[int]] = defaultdict(lambda: [0, 0, 0])
    for week_of, good in ((first, 1),):
        for (stage, _device), (week, passed) in week_of.items():
            numbers[stage, week][0] += 1
            numbers[stage, week][good] += passed
    for stage, device, outcome in last.iterator(CHUNK):
        if (stage, device) in first:
            numbers[stage, first[stage, device][0]][2] += outcome in GOOD
    found: dict[str, list[WeekCount]] = defaultdict(list)
    for (stage, week), (judged, now, then) in sorted(numbers.items()):
        found[stage].append(WeekCount(week, yield_of(now, judged), yield_of(then, judged)))
    return found


Reasons = dict[str, dict[str, Counter[str]]]
"""Stage -> quantity -> devices by outcome."""
WRONG = (Outcome.FAIL.value, Outcome.INCOMPLETE.value)


def _all_reasons() -> Reasons:
    found: Reasons = defaultdict(lambda: defaultdict(Counter))
    rows = QuantityCount.objects.filter(outcome__in=WRONG, n__gt=0).order_by()
    for stage, quantity, outcome, n in rows.values_list("stage", "quantity", "outcome", "n"):
        found[stage][quantity][outcome] += n
    return found


def _own_reasons(campaign: Campaign) -> Reasons:
    found: Reasons = defaultdict(lambda: defaultdict(Counter))
    rows = Standing.objects.visible_to(None).filter(
        device__campaign=campaign, outcome__in=WRONG, verdict__isnull=False
    )
    for stage, details in rows.order_by().values_list("stage", "verdict__details").iterator(CHUNK):
        for one in details:
            if one["outcome"] in WRONG:
                found[stage][one["quantity"]][str(one["outcome"])] += 1
    return found


def _told(reasons: Mapping[str, Counter[str]], stage: Stage | None) -> list[Reason]:
    titles = {one.key: _(one.title) for one in stage.quantities} if stage else {}
    ordered = sorted(reasons, key=lambda key: (-reasons[key].total(), key))[:QUANTITIES]
    return [
        Reason(titles.get(key, key), reasons[key][WRONG[0]], reasons[key][WRONG[1]])
        for key in ordered
    ]


def _plan(count: StageCount, total: int, weeks: Sequence[WeekCount], wanted: Wanted | None) -> Plan:
    left = max(0, total - count.judged)
    latest = weeks[-LATEST:]
    pace, until = 0.0, None
    if latest:
        span = (latest[-1].week - latest[0].week).days / 7 + 1
        pace = sum(one.first.judged for one in latest) / span
        # Beyond a lifetime there is no day to name.
        if left and pace > 0 and (wait := 7 * left / pace) < 36525:
            until = latest[-1].week + dt.timedelta(days=7 + round(wait))
    return Plan(count.title, count.judged, left, pace, until, wanted)


def _newest(
    devices: QuerySet[Device], standings: QuerySet[Standing], campaign: Campaign
) -> dt.datetime:
    waivers = Waiver.objects.filter(verdict__device__campaign=campaign)
    moments = (
        devices.aggregate(at=Max("registered_at"))["at"],
        standings.aggregate(at=Max("changed_at"))["at"],
        waivers.aggregate(at=Max("granted_at"))["at"],
    )
    return max((one for one in moments if one is not None), default=BEGINNING)


def _facts(campaign: Campaign, total: int) -> list[tuple[str, Any]]:
    facts = [(_("Devices"), str(total))]
    types = list(campaign.device_types.order_by("name").values_list("name", flat=True))
    owners = list(campaign.institutes.order_by("name").values_list("name", flat=True))
    facts += [(_("Device types"), ", ".join(types))] if types else []
    facts += [(_("Institutes"), ", ".join(owners))] if owners else []
    facts += [(_("Description"), campaign.description)] if campaign.description else []
    return facts
