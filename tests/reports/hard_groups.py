"""Groups, campaigns and stations whose reports are the hardest to lay out, as views."""

from __future__ import annotations

import datetime as dt
import math
import random
from dataclasses import replace

from mppcqa.charts.counted import Course, CourseLine, Moment
from mppcqa.charts.plots import Bars, CellMap, Scale
from mppcqa.queue.models import State
from mppcqa.views.campaign import CampaignView, Plan, Reason, StageYields, Wanted, WeekCount
from mppcqa.views.group import STATES, GroupView, Member, StageCount, StatedMap
from mppcqa.views.robust import QuantityLine, Stray
from mppcqa.views.station_record import Done, StationView, Week
from mppcqa.views.texts import measured
from mppcqa.views.yields import yield_of
from tests.reports.hard import FOREIGN, LONG, THEN, UNBROKEN, WORDS

NAMES = ("PDE", "Dark Box", LONG, UNBROKEN[:90], FOREIGN)


def count(title: str, n: int, only: str = "") -> StageCount:
    """How so many devices stand: all alike, or of each state some."""
    numbers = {only: n} if only else {state: n // (k + 1) for k, state in enumerate(STATES)}
    return StageCount(title[:20], title, numbers)


def quantity(stage: str, n: int) -> QuantityLine:
    """A line whose numbers are of very different lengths."""
    value = 70.123 * 10.0 ** (3 * n - 6)
    return QuantityLine(
        stage,
        NAMES[n % len(NAMES)][:120],
        "1.6 V over breakdown, 20 °C, light 1" if n % 2 else "",
        10**n,
        measured(value, value / 700, "ADC/p.e."),
        measured(value / 100, value / 7000, "ADC/p.e."),
        measured(math.nan),
        measured(-value, None, "ADC/p.e."),
        n,
    )


def histogram(title: str) -> Bars:
    """Counts of devices."""
    chance = random.Random(7)  # noqa: S311
    return Bars(
        [70 + 0.1 * n for n in range(21)],
        [chance.randrange(4000) for _n in range(20)],
        Scale(title, "V"),
        Scale("devices"),
        title=title,
    )


def group(
    devices: int, stages: tuple[str, ...] = ("PDE", "Dark Box"), only: str = "", name: str = "T-1"
) -> GroupView:
    """A tray full of devices."""
    serials = [LONG, UNBROKEN, FOREIGN] if name == LONG else []
    serials += [f"GX-{n:05d}" for n in range(devices - len(serials))]
    state = only or "warning"
    outcomes = tuple((state, f"waived ({state})" if n else state) for n, _s in enumerate(stages))
    side = max(1, math.ceil(math.sqrt(devices)))
    places = {(n // side, n % side): STATES[n % len(STATES)] for n in range(devices)}
    values = {at: 70 + 0.01 * n if n % 17 else math.nan for n, at in enumerate(places)}
    lines = tuple(quantity(stage, n) for stage in stages for n in range(5))
    return GroupView(
        name=name,
        kind="Tray",
        as_of=THEN,
        facts=(("Lot", name), ("Maker", "<b>&amp;"), ("Remark", WORDS)),
        stages=tuple(count(one, devices, only) for one in stages),
        devices=tuple(
            Member(n, serial, name[:100], f"T-1 ({n}, {n})", outcomes)
            for n, serial in enumerate(serials)
        ),
        quantities=lines,
        strays=tuple(
            (serials[n % len(serials)], Stray(n, "PDE: gain", "7.1 V", (-7.0) ** n))
            for n in range(12)
        )
        if devices
        else (),
        more_strays=3,
        histograms=tuple(histogram(one[:80]) for one in NAMES),
        maps=tuple(CellMap(values, side, side, "V", one[:80], cell=22) for one in NAMES[:3]),
        map=StatedMap(side, side, places),
        problems=tuple(f"{serial}: {WORDS}" for serial in serials[:3]),
    )


def hard_groups() -> dict[str, GroupView]:
    """Name of the difficulty -> a group that has it."""
    empty = GroupView("T-9", "Tray", THEN, (), (), ())
    return {
        "tray of 460": group(460),
        "long names": group(5, NAMES, "fail", LONG),
        "nothing": empty,
        "not measured": replace(group(3, ()), strays=(), histograms=()),
        "one": group(1),
    }


def weeks(n: int) -> tuple[WeekCount, ...]:
    """So many weeks with few devices and wide intervals."""
    first = dt.date(2024, 1, 1)
    return tuple(
        WeekCount(first + dt.timedelta(7 * k), yield_of(k % 9, 9), yield_of(8, 9)) for k in range(n)
    )


def campaign(stages: tuple[str, ...], n: int, long: bool) -> CampaignView:
    """A campaign of very many devices."""
    reasons = tuple(Reason(NAMES[k % 5][:150] if long else f"Q {k}", 10**k, k) for k in range(6))
    made = tuple(
        StageYields(
            count(one, 100_000),
            weeks(n),
            reasons,
            tuple((f"L-{k}" if not long else LONG, count(one, 10**k)) for k in range(6)),
            (("Hamamatsu", count(one, 100_000)),),
        )
        for one in stages
    )
    wanted = Wanted(9, 99_999, 10**8, dt.date(2031, 1, 1))
    kinds = tuple((UNBROKEN if long else f"S{k}", 10**k) for k in range(12))
    return CampaignView(
        name=LONG if long else "Main campaign",
        as_of=THEN,
        facts=(("Devices", "100000"), ("Description", WORDS)),
        devices=100_000,
        stages=made,
        plan=tuple(
            Plan(one, 9, 10**5, 12.345, dt.date(2031, 1, 1), wanted if n % 2 else None)
            for n, one in enumerate(stages)
        ),
        kinds=kinds,
        states=(("in its tray", 99_999), ("lost", 1)),
    )


def hard_campaigns() -> dict[str, CampaignView]:
    """Name of the difficulty -> a campaign that has it."""
    return {
        "two years": campaign(("PDE", "Dark Box"), 104, long=False),
        "long names": campaign(NAMES, 1, long=True),
        "nothing": CampaignView("C", THEN, (), 0, (), (), (), ()),
    }


def hard_stations() -> dict[str, StationView]:
    """Name of the difficulty -> a station that has it."""
    day = dt.date(2026, 1, 5)
    points = [
        Moment(day + dt.timedelta(n), 70 + math.sin(n) / 9, 69.9, 70.2 if n % 5 else math.nan)
        for n in range(300)
    ]
    levels = (("mean", 70.0), ("+3σ", 70.001), ("−3σ", 69.999))
    full = StationView(
        name=LONG,
        stage=FOREIGN,
        as_of=THEN,
        facts=(("Reference device", UNBROKEN),),
        states=tuple((str(one), 7) for one in State),
        weeks=tuple(Week(day - dt.timedelta(7 * n), 10**n, n, "1.5 s") for n in range(60)),
        durations=Course((CourseLine("duration", points),), Scale("Duration", "s"), joined=False),
        failures=tuple(
            Done(10**n, THEN, State.TIMED_OUT, math.nan, (LONG, UNBROKEN, FOREIGN, "")[n % 4])
            for n in range(9)
        ),
        references=tuple(
            Course((CourseLine(one, points[:n]),), Scale(one[:60], "V"), one[:90], levels)
            for n, one in enumerate(NAMES)
        ),
        reference=UNBROKEN,
    )
    empty = StationView("s-1", "PDE", THEN, (), (), (), None, (), (), "")
    return {"full": full, "nothing": empty, "not yet": replace(empty, reference="GX-1")}
