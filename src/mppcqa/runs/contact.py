"""The computer of a station as it last reported: who it is, what it can run, and its clock."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mppcqa.queue.untrusted import one_line
from mppcqa.refused import Refused
from mppcqa.runs.models import Station, StationContact

SILENT_AFTER = dt.timedelta(seconds=45)
"""A station that was not heard of for so long is not reached; it asks at least every 20 s."""
NOTE_EVERY_S = 5.0
CLOCK_MATTERS_S = 30.0


class OtherComputer(Refused):
    """The station is another computer's now: two use one token."""


@dataclass(frozen=True)
class Report:
    """What a computer says of itself with its first request."""

    agent: str
    ahead_s: float
    version: str = ""
    python: str = ""
    host: str = ""
    platform: str = ""
    problem: str = ""
    programs: list[dict[str, Any]] = field(default_factory=list)


def is_reached(contact: StationContact) -> bool:
    """Whether it was heard of a moment ago."""
    return timezone.now() - contact.heard_at < SILENT_AFTER


def greet(station: Station, report: Report) -> StationContact:
    """Keep what a station's computer says of itself; `OtherComputer` while another is there."""
    now = timezone.now()
    with transaction.atomic():
        Station.objects.select_for_update().only("pk").get(pk=station.pk)
        former = StationContact.objects.filter(station=station).first()
        if former is not None and former.agent != report.agent and _is_taken(station, former):
            former.refused_at, former.refused_host = now, one_line(report.host, 200)
            former.save(update_fields=["refused_at", "refused_host"])
        else:
            return _note(station, report, former, now)
    text = _(
        "%(station)s is in use by the computer %(host)s. Give each computer a station and a token "
        "of its own; to move the station here, stop the other one and wait until it has been "
        "silent for a minute and runs nothing."
    )
    raise OtherComputer(text % {"station": station, "host": former.host or former.agent})


def _is_taken(station: Station, former: StationContact) -> bool:
    """Whether another computer answers, or holds what nobody else can bring."""
    return is_reached(former) or station.orders.filter(agent=former.agent, ended_at=None).exists()


def _note(
    station: Station, report: Report, former: StationContact | None, now: dt.datetime
) -> StationContact:
    since = now
    if former is not None and former.agent == report.agent and is_reached(former):
        since = former.since
    row, _made = StationContact.objects.update_or_create(
        station=station,
        defaults={
            "agent": report.agent,
            "since": since,
            "heard_at": now,
            "version": one_line(report.version, 50),
            "python": one_line(report.python, 50),
            "host": one_line(report.host, 200),
            "platform": one_line(report.platform, 100),
            "problem": one_line(report.problem, 500),
            "programs": report.programs,
            "clock_ahead_s": report.ahead_s,
        },
    )
    return row


def heard(station: Station, agent: str, ahead_s: float) -> StationContact:
    """A request of the computer that greeted; `OtherComputer` for every other."""
    row = StationContact.objects.filter(station=station, agent=agent).first()
    if row is None:
        raise OtherComputer(_("Say first who you are: another computer has taken this station."))
    now = timezone.now()
    jumped = abs(row.clock_ahead_s - ahead_s) > 1.0
    if jumped or abs((now - row.heard_at).total_seconds()) > NOTE_EVERY_S:
        since = row.since if is_reached(row) else now
        fields = {"heard_at": now, "since": since, "clock_ahead_s": ahead_s}
        StationContact.objects.filter(pk=row.pk, agent=agent).update(**fields)
    return row


def known_programs(station: Station) -> list[dict[str, Any]] | None:
    """What the station's computer can run, as it reported; None where it never did."""
    row = StationContact.objects.filter(station=station).first()
    return None if row is None else list(row.programs)


def program_for(station: Station, stage: str) -> str:
    """Name of the program of its list that measures a stage; `LookupError` says why there is none.

    The one that was chosen for the station where it fits, or the only one that does.
    """
    row = StationContact.objects.filter(station=station).first()
    programs = list(row.programs) if row is not None else []
    fitting = [one["name"] for one in programs if not one["stages"] or stage in one["stages"]]
    names = {"station": station, "stage": stage, "program": station.program_name}
    if station.program_name:
        if station.program_name in fitting:
            return station.program_name
        text = _(
            "the computer of %(station)s has no program “%(program)s” for this stage; an "
            "administrator keeps its list there"
        )
        raise LookupError(text % names)
    if len(fitting) == 1:
        return str(fitting[0])
    if fitting:
        text = _(
            "the computer of %(station)s has several programs for this stage: choose one at the "
            "station (%(several)s; as it said at %(time)s UTC)"
        )
        time = f"{row.heard_at:%H:%M:%S}" if row is not None else ""
        raise LookupError(text % {**names, "several": ", ".join(fitting), "time": time})
    text = _(
        "the computer of %(station)s has no program for this stage; an administrator keeps its "
        "list there"
    )
    raise LookupError(text % names)
