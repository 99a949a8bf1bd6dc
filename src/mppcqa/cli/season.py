"""A whole campaign at once, as a laboratory has it after twelve weeks.

Each stage is measured once by its own simulated program; its run file is kept as that of the first
devices of the last week, so that one touch leads from their values to the evidence. Every other
device has those values with a scatter of its own, taken in and judged as any others are; nothing
here knows a quantity. So lots, weeks, stations and failures are there in less than a minute, for
trying pages and for teaching.
"""

from __future__ import annotations

import datetime as dt
import math
import random
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import product
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone

from mppcqa.cli.demonstration import SLOTS, prepare, stations_for
from mppcqa.cli.season_waiting import CHIEF, leave_waiting
from mppcqa.inventory.models import Device, Institute, Lot, Tray
from mppcqa.inventory.receiving import receive
from mppcqa.inventory.shipping import send
from mppcqa.limits.decisions import grant_waiver
from mppcqa.limits.judging import judge, judge_by_own
from mppcqa.limits.models import Verdict
from mppcqa.results.columns import columns_of_results
from mppcqa.results.ingest import NewAnalysis, store_analyses, store_analysis
from mppcqa.results.models import Analysis, Outcome, Standing
from mppcqa.runs.lane import station_lane
from mppcqa.runs.models import Run, RunFile, RunSlot, Station
from mppcqa.signing.pen import Pen
from mppcqa.stages import AnalysisResult, Problem, Result, Stage, get_stage
from mppcqa.statistics.check import check_summaries
from mppcqa.statistics.models import Plan
from mppcqa.store.keeping import keeping
from mppcqa.testing import SimulatedStation

LOT_WEEKS = 2
A_WEEK = 16
"""Devices that come, which fill a tray."""
BAD_SHARE, DEAD_SHARE = 0.4, 0.002
"""Of the devices of the bad lot, and of the channels of all that no fit could be had of."""
DRIFT = 0.25
"""Of the spread of a quantity, a week: how the second station of a stage goes astray."""
SECOND = "-2"
SEED = 20
CHANNELS = 16
Told = Callable[[str], None]


@dataclass(frozen=True)
class Model:
    """What a stage's program measured once, and how its quantities are spread."""

    stage: Stage
    found: AnalysisResult
    spread: dict[Any, float]
    """Quantity and condition -> standard deviation over channels, relative to the mean."""
    content: bytes
    """The run file, of the devices that were measured."""
    bad: dict[str, float]
    """Quantity -> factor by which a bad device leaves its limits: one quantity of the stage."""


@dataclass(frozen=True)
class Made:
    """Where, when and by whom a run is made."""

    model: Model
    station: Station
    when: dt.datetime
    operator: Any


@dataclass(frozen=True)
class Taken:
    """Values that are to be taken in, and when they were measured."""

    new: NewAnalysis
    when: dt.datetime


def make_season(told: Told = lambda _words: None, *, weeks: int = 12) -> list[Device]:
    """Register, measure, judge, waive, ship: everything of a campaign, dated back some weeks.

    Devices of the lot in the middle often fail, and second stations drift from then on.
    """
    chance = random.Random(SEED)  # noqa: S311 - no secret
    keys = list(stations_for().values())
    campaign = prepare(weeks * A_WEEK + 1)
    reference, devices = campaign.devices[0], campaign.devices[1:]
    shown = devices[(weeks - 1) * A_WEEK :][:SLOTS]
    began = timezone.now() - dt.timedelta(weeks=weeks)
    _place(devices, began)
    with tempfile.TemporaryDirectory() as folder:
        models = {key: _model(get_stage(key), Path(folder), told, shown) for key in keys}
    for first in campaign.stations:
        model = models[first.stage]
        told(f"{model.stage.title}: {len(devices)} devices")
        _plan(model.stage, len(devices), began, weeks)
        for station in (first, _second(first)):
            Station.objects.filter(pk=station.pk).update(reference_device=reference)
        for week in range(weeks):
            monday = began + dt.timedelta(weeks=week)
            own = devices[week * A_WEEK : (week + 1) * A_WEEK]
            taken: list[Taken] = []
            for number, few in enumerate(_in_parts(own, SLOTS)):
                station = (first, _second(first))[number % 2]
                when = monday + dt.timedelta(days=number, hours=9 + chance.random())
                made = Made(model, station, when, campaign.operator)
                if few[0] == shown[0]:
                    _keep_measured(made, few)
                else:
                    taken.append(_measure(made, few, week - weeks // 2, chance))
            for day, station in product((0, 2, 4), (first, _second(first))):
                when = monday + dt.timedelta(days=day, hours=8)
                made = Made(model, station, when, campaign.operator)
                taken.append(_measure(made, [reference], week - weeks // 2, chance))
            _take_in_all(taken)
    told("waivers, shipments, cases, alarms, kept questions")
    _decide(devices, chance)
    leave_waiting([one for one in devices if one.location_id == campaign.stations[0].institute_id])
    # Verdicts were counted before they were dated back.
    check_summaries(repair=True)
    return devices


def _plan(stage: Stage, devices: int, began: dt.datetime, weeks: int) -> None:
    """Twice as many devices in twice the time."""
    until = began + dt.timedelta(weeks=2 * weeks)
    values = {"devices": 2 * devices, "since": began.date(), "until": until.date()}
    Plan.objects.get_or_create(stage=stage.key, defaults=values)


def _model(stage: Stage, folder: Path, told: Told, devices: Sequence[Device]) -> Model:
    """Measure and analyse a station full of devices by the stage's own program."""
    told(f"{stage.title}: its program measures once")
    names = {device.serial: CHANNELS for device in devices}
    station = SimulatedStation(stage, folder)
    measured = station.measure(names, dict(stage.demonstration.parameters))
    found = stage.analyse(measured.path, {})
    values: dict[Any, list[float]] = defaultdict(list)
    for one in found.results:
        values[one.quantity, one.condition].append(one.value)
    spread = {
        key: min(pstdev(some) / abs(mean), 0.1) if (mean := fmean(some)) else 0.0
        for key, some in values.items()
    }
    means: dict[str, list[float]] = defaultdict(list)
    for one in found.results:
        means[one.quantity].append(one.value)
    bad: dict[str, float] = {}
    for limit in stage.limits:
        edge = limit.warn_high if limit.warn_high is not None else limit.pass_high
        if edge is not None and limit.quantity in means and not bad:
            bad[limit.quantity] = 1.3 * edge / fmean(means[limit.quantity])
    return Model(stage, found, spread, measured.path.read_bytes(), bad)


def _in_parts(devices: Sequence[Device], size: int) -> list[Sequence[Device]]:
    return [devices[at : at + size] for at in range(0, len(devices), size)]


def _second(station: Station) -> Station:
    """Another station of the same stage."""
    name = f"{station.name.rpartition('-')[0]}{SECOND}"
    found, _made = Station.objects.get_or_create(
        name=name,
        defaults={"stage": station.stage, "institute": station.institute, "slots": SLOTS},
    )
    station_lane(found)
    return found


def _place(devices: Sequence[Device], began: dt.datetime) -> None:
    """Into lots of two weeks and trays of a week, registered when they came."""
    for week, own in enumerate(_in_parts(devices, A_WEEK)):
        lot, _made = Lot.objects.get_or_create(
            name=f"L{week // LOT_WEEKS + 1:02d}", maker=devices[0].device_type.maker
        )
        tray, _made = Tray.objects.get_or_create(
            name=f"T{week + 1:02d}", defaults={"rows": 4, "columns": 4}
        )
        for place, device in enumerate(own):
            device.lot, device.tray = lot, tray
            device.tray_row, device.tray_column = divmod(place, 4)
            device.registered_at = began + dt.timedelta(weeks=week, hours=7)
            device.save()


def _measure(
    made: Made, devices: Sequence[Device], since_middle: int, chance: random.Random
) -> Taken:
    """A run of these devices, and its values."""
    content = b"a simulated season, %s, %s" % (
        made.station.name.encode(),
        made.when.isoformat().encode(),
    )
    # No events are behind these values: they are as if somebody had brought them in.
    file, slots = _run(made, devices, content, RunFile.Kind.IMPORT)
    drift = DRIFT * max(since_middle, 0) if made.station.name.endswith(SECOND) else 0.0
    results: list[Result] = []
    problems: list[Problem] = []
    for slot, device in slots.items():
        values, dark = _values(made.model, device, 0 <= since_middle < LOT_WEEKS, drift, chance)
        results += [replace(one, slot=slot) for one in values]
        what = "no spectrum: the channel is dark"
        problems += [Problem(slot=slot, channel=channel, what=what) for channel in dark]
    ids = {slot: device.pk for slot, device in slots.items()}
    new = NewAnalysis(
        stage=made.model.stage,
        run_file=file,
        values=columns_of_results(results, ids),
        devices=sorted(ids.values()),
        problems=problems,
    )
    return Taken(new, made.when)


def _take_in_all(taken: Sequence[Taken]) -> None:
    """A week's values in one transaction and their verdicts, dated."""
    analyses = store_analyses([one.new for one in taken])
    times = Counter(device for one in taken for device in one.new.devices)
    judge_by_own(taken[0].new.stage, [device for device, n in times.items() if n == 1])
    for one, analysis in zip(taken, analyses, strict=True):
        # The reference devices are measured several times a week, and each time judged.
        if again := [device for device in one.new.devices if times[device] > 1]:
            judge(analysis, again)
        Analysis.objects.filter(pk=analysis.pk).update(made_at=one.when)
        Verdict.objects.filter(analysis=analysis).update(judged_at=one.when)


def _keep_measured(made: Made, devices: Sequence[Device]) -> None:
    """The run that the stage's program measured, with its file: the evidence behind its values."""
    file, slots = _run(made, devices, made.model.content, RunFile.Kind.RUN)
    found = made.model.found
    ids = {slot: device.pk for slot, device in slots.items()}
    analysis = store_analysis(
        made.model.stage,
        file,
        ids,
        found.results,
        found.problems,
        shared=found.shared,
        fits=found.fits,
    )
    judge(analysis, ids.values())
    Analysis.objects.filter(pk=analysis.pk).update(made_at=made.when)
    Verdict.objects.filter(analysis=analysis).update(judged_at=made.when)


def _run(
    made: Made, devices: Sequence[Device], content: bytes, kind: RunFile.Kind
) -> tuple[RunFile, dict[int, Device]]:
    """A run of these devices with its file, and its slots."""
    stage = made.model.stage
    run = Run.objects.create(
        stage=stage.key,
        station=made.station,
        parameters=stage.clean(dict(stage.demonstration.parameters)),
        operator=made.operator,
        campaign=devices[0].campaign,
        owner=devices[0].owner,
        created_at=made.when,
        measured_at=made.when,
    )
    slots = dict(enumerate(devices, 1))
    RunSlot.objects.bulk_create(
        RunSlot(run=run, slot=slot, device=device) for slot, device in slots.items()
    )
    ending = ".root" if kind == RunFile.Kind.RUN else ".txt"
    with keeping(BytesIO(content), "runs", ending) as kept:
        file = RunFile.objects.create(
            file=kept.name,
            sha256=kept.sha256,
            size=kept.size,
            original_name=f"run-{run.pk}{ending}",
            kind=kind,
            run=run,
        )
    return file, slots


def _values(
    model: Model, device: Device, middle: bool, drift: float, chance: random.Random
) -> tuple[list[Result], list[int]]:
    """Values of one device, and its channels that are dark.

    It scatters alike at each measurement, and a little anew.
    """
    own = random.Random(f"{SEED}/{device.serial}")  # noqa: S311 - no secret
    bad = model.bad if middle and device.tray is not None and own.random() < BAD_SHARE else {}
    dark = [channel for channel in range(CHANNELS) if own.random() < DEAD_SHARE]
    shifts: dict[str, float] = {}
    values = []
    for one in model.found.results:
        if one.slot != 1 + device.pk % SLOTS or one.channel in dark:
            continue
        if one.quantity not in shifts:
            shifts[one.quantity] = own.gauss(0, 0.5) + chance.gauss(0, 0.15) + drift
        away = shifts[one.quantity] * model.spread[one.quantity, one.condition]
        factor = math.exp(away) * bad.get(one.quantity, 1.0)
        values.append(replace(one, value=one.value * factor, uncertainty=one.uncertainty * factor))
    return values, dark


def _decide(devices: Sequence[Device], chance: random.Random) -> None:
    """Waivers by another person; two shipments, of which one arrived with a damaged device."""
    chief, _made = get_user_model().objects.get_or_create(
        username=CHIEF, defaults={"is_superuser": True, "is_active": False}
    )
    pen = Pen.on_command(chief)
    failed = Verdict.objects.filter(outcome=Outcome.FAIL, device__in=devices).order_by("pk")
    for verdict in chance.sample(list(failed), min(4, failed.count())):
        grant_waiver(verdict, "the one channel is not needed where it goes", by=pen)
    partner, _made = Institute.objects.get_or_create(name="Partner laboratory")
    good = [one for one in devices if _passed(one)]
    home = good[0].location
    if home is None:
        return
    for number, few in enumerate((good[:12], good[12:24])):
        shipment = send(home, partner, [one.serial for one in few], by=pen)
        if number == 0 and shipment.sent_at is not None:
            first = few[0].serial
            receive(shipment, [one.serial for one in few], damaged={first: "a pin is bent"})


def _passed(device: Device) -> bool:
    outcomes = Standing.objects.filter(device=device).values_list("outcome", flat=True)
    return set(outcomes) == {Outcome.PASS}
