"""What happened to a device, the latest first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mppcqa.inventory.models import Shipment
from mppcqa.limits.models import LimitSet, Verdict
from mppcqa.runs.models import RunSlot
from mppcqa.stages import all_stages
from mppcqa.views.device import DeviceView
from mppcqa.views.verdict import outcome_text

LISTED = 30


@dataclass(frozen=True)
class Event:
    """Something that happened to a device."""

    kind: str
    """``registered``, ``run``, ``judged``, ``shipped``, ``moved``, ``renamed``,
    ``record``, ``mounted``."""
    at: dt.datetime
    text: str
    more: str = ""
    who: str = ""
    about: tuple[str, str] | None = None
    """What a link would lead to, as in `device.Piece`."""


def device_history(view: DeviceView) -> list[Event]:
    """The latest events of a device; two questions, one more where it was shipped."""
    titles = {stage.key: _(stage.title) for stage in all_stages()}
    events = [
        Event("registered", view.registered_at, _("Registered"), who=view.registrar),
        *_runs(view, titles),
        *_verdicts(view, titles),
        *_moves(view),
        *_mountings(view),
        *(Event("moved", row.at, row.text, row.why, row.by) for row in view.handlings),
        *(
            Event("record", row.at, f"{row.title}: {row.text}", row.remark, row.by)
            for row in view.records
            if not row.withdrawn
        ),
        *(
            Event("renamed", row.at, _("Renamed; before: %s") % row.serial, row.reason)
            for row in view.renamings
        ),
    ]
    return sorted(events, key=lambda event: event.at, reverse=True)[:LISTED]


def _runs(view: DeviceView, titles: dict[str, str]) -> Iterator[Event]:
    slots = (
        RunSlot.objects.filter(device=view.pk)
        .order_by("-run_id")
        .values_list(
            *("run_id", "slot", "run__stage", "run__created_at"),
            *("run__station__name", "run__operator__username"),
        )
    )
    for run, slot, stage, created_at, station, operator in slots[:LISTED]:
        yield Event(
            "run",
            created_at,
            f"{_('Run')} {run}: {titles.get(stage, stage)}",
            f"{station}, {_('slot')} {slot}" if station else "",
            operator or "",
            ("run", str(run)),
        )


def _verdicts(view: DeviceView, titles: dict[str, str]) -> Iterator[Event]:
    rows = Verdict.objects.filter(device=view.pk).values_list(
        *("judged_at", "stage", "outcome", "limit_set__title", "limit_set__version"),
        "limit_set__campaign__name",
    )
    for judged_at, stage, outcome, title, version, campaign in rows[:LISTED]:
        text = f"{titles.get(stage, stage)}: {outcome_text(outcome)}"
        limits = str(LimitSet(title=title, version=version))
        yield Event("judged", judged_at, text, f"{limits}, {campaign}" if campaign else limits)


def _moves(view: DeviceView) -> Iterator[Event]:
    if not view.moves:
        return
    missing = set(Shipment.objects.filter(missing=view.pk).order_by().values_list("pk", flat=True))
    for row in view.moves:
        more = _("missing on arrival") if row.pk in missing else ""
        yield Event("shipped", row.sent_at, row.text, more, row.sent_by, ("shipment", str(row.pk)))


def _mountings(view: DeviceView) -> Iterator[Event]:
    """Where it was built in and taken out: days, told as their beginnings."""
    for stay in view.assembly.history if view.assembly else ():
        mine = stay.part == view.serial
        other = stay.whole if mine else stay.part
        about = ("device", other) if other else None
        name = ", ".join(filter(None, (other, stay.place)))
        began = _("Part of %s from here on") if mine else _("Holds %s from here on")
        ended = _("No longer part of %s") if mine else _("No longer holds %s")
        for day, text, who in (
            (stay.since, began, stay.by),
            (stay.until, ended, stay.ended_by),
        ):
            if day is not None:
                at = dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC)
                yield Event("mounted", at, text % name, stay.why, who, about)
