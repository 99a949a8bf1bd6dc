"""From what happens to rows that wait to be sent: in the transaction in which it happens.

The end of a task is told once it is in the database, so a process that dies in that moment tells
nobody: `look_around` tells what was missed, and what nobody tells, as that a station is silent.
A row has a key that names what happened, so that telling it twice makes one row.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Max, Q, Sum
from django.utils import timezone

from mppcqa.exchange.hooks import events
from mppcqa.exchange.hooks.delivering import is_anything_due
from mppcqa.exchange.hooks.events import Event, Json
from mppcqa.exchange.hooks.models import RIGHT, Delivery, Webhook, scope_text
from mppcqa.exchange.telling.happenings import look_for_silence
from mppcqa.inventory.models import Shipment
from mppcqa.limits.models import Verdict
from mppcqa.queue.actions import submit
from mppcqa.queue.models import OPEN_STATES, Task, TaskGroup
from mppcqa.queue.notices import TELLING
from mppcqa.runs.alarms import StationAlarm
from mppcqa.runs.contact import SILENT_AFTER
from mppcqa.runs.models import Run, StationContact

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ROUTINE = "exchange.deliver"
MISSED = dt.timedelta(hours=1)
SETTLED = dt.timedelta(seconds=20)
"""What ended so long ago was told by whoever ended it, or never will be."""
LOOK_EVERY_S = 20.0
_looked = 0.0
LOOKED_AT = 2000
"""Tasks, the newest, among which ends are looked for that nobody told."""
RUN = Run._meta.label_lower
Told = Callable[["AbstractBaseUser"], Iterable[Json]]


def wake() -> None:
    """Have what waits sent, once it is in the database; only a wake-up, the rows are the truth."""
    transaction.on_commit(lambda: submit(ROUTINE, key=ROUTINE, priority=7), robust=True)


def hooks_for(event: Event) -> list[Webhook]:
    """Webhooks in use that want to be told of an event, with their owners."""
    rows = Webhook.objects.filter(active=True, owner__is_active=True)
    chosen = [one for one in rows.select_related("owner__person") if event.key in one.events]
    return [one for one in chosen if one.owner.has_perm(RIGHT)]


def announce(event: Event, key: str, told: Told, hooks: Iterable[Webhook] | None = None) -> int:
    """A row for each webhook that wants to know and whose owner may; how many."""
    chosen = hooks_for(event) if hooks is None else hooks
    rows = [
        delivery(hook, event, f"{key}#{number}" if number else key, data)
        for hook in chosen
        for number, data in enumerate(told(hook.owner))
    ]
    if rows:
        Delivery.objects.bulk_create(rows, ignore_conflicts=True)
        wake()
    return len(rows)


def delivery(hook: Webhook, event: Event, key: str, data: Json) -> Delivery:
    """What a webhook is told, not yet in the database."""
    row = Delivery(hook=hook, event=event.key, key=key, scope=scope_text(hook.owner))
    said = {"id": str(row.uuid), "event": event.key, "at": row.made_at.isoformat(), "data": data}
    row.body = json.dumps(said, ensure_ascii=False)
    return row


def on_group_ended(*, group: TaskGroup, **_: Any) -> None:
    """The tasks of a run are over."""
    if group.about_model == RUN and (hooks := hooks_for(events.RUN_ENDED)):
        for key, _ended in _ends([group.pk]).values():
            _announce_run(group.pk, key, hooks)


def _ends(groups: Any) -> dict[int, tuple[str, dt.datetime]]:
    """Groups (ids) without open tasks: what names their end, and when it was.

    A run whose task was repeated or taken up again ends a second time.
    """
    rows = Task.objects.filter(group__in=groups).order_by().values("group")
    found = rows.annotate(
        last=Max("pk"),
        tries=Sum("attempt"),
        ended=Max("ended_at"),
        open=Count("pk", filter=Q(state__in=OPEN_STATES)),
    )
    return {
        one["group"]: (f"run:{one['group']}:{one['last']}:{one['tries']}", one["ended"])
        for one in found
        if not one["open"]
    }


def _announce_run(group: int, key: str, hooks: Iterable[Webhook]) -> None:
    announce(events.RUN_ENDED, key, lambda viewer: events.run_ended(group, viewer), hooks)


def on_task_ended(*, task: Task, **_: Any) -> None:
    """A task is over; those that end badly are told, but for our own: they would have no end."""
    if task.state in TELLING and task.name != ROUTINE and (hooks := hooks_for(events.TASK_FAILED)):
        _announce_task(task, hooks)


def _announce_task(task: Task, hooks: Iterable[Webhook]) -> None:
    told = lambda viewer: events.task_failed(task, viewer)  # noqa: E731
    announce(events.TASK_FAILED, _task_key(task), told, hooks)


def _task_key(task: Task) -> str:
    return f"task:{task.pk}:{task.attempt}:{task.state}"


def on_outcomes_changed(
    *, stage: str, changes: list[tuple[int, Verdict | None, Verdict]], **_: Any
) -> None:
    """Devices are judged."""
    hooks = hooks_for(events.VERDICTS_CHANGED)
    if not hooks:
        return
    names = ",".join(f"{old and old.pk}>{new.pk}" for _device, old, new in changes)
    # A verdict may come back: the moment is part of what happened.
    key = f"verdicts:{hashlib.sha256(f'{names} {timezone.now()}'.encode()).hexdigest()}"
    told = lambda viewer: events.verdicts_changed(stage, changes, viewer)  # noqa: E731
    announce(events.VERDICTS_CHANGED, key, told, hooks)


def on_shipment_sent(*, shipment: Shipment, **_: Any) -> None:
    """A box left."""
    told = lambda viewer: events.shipment_sent(shipment, viewer)  # noqa: E731
    announce(events.SHIPMENT_SENT, f"shipment:{shipment.pk}", told)


def on_alarm_saved(*, instance: StationAlarm, created: bool, **_: Any) -> None:
    """A station's alarm was raised."""
    if created:
        told = lambda viewer: events.alarm_raised(instance, viewer)  # noqa: E731
        announce(events.ALARM_RAISED, f"alarm:{instance.pk}", told)


def on_round(**_: Any) -> None:
    """Every few seconds: wake a worker where something is due, and look around now and then."""
    global _looked
    if is_anything_due():
        wake()
    now = time.monotonic()
    if now - _looked > LOOK_EVERY_S:
        _looked = now
        look_around()
        look_for_silence()


def look_around() -> None:
    """Tell what nobody told: ends of tasks whose process died, and stations that are silent."""
    now = timezone.now()
    if hooks := hooks_for(events.STATION_SILENT):
        _look_for_silence(hooks, now)
    failed, over = hooks_for(events.TASK_FAILED), hooks_for(events.RUN_ENDED)
    if not failed and not over:
        return
    first = (Task.objects.aggregate(last=Max("pk"))["last"] or 0) - LOOKED_AT
    rows = Task.objects.filter(pk__gt=first, ended_at__range=(now - MISSED, now - SETTLED))
    if failed:
        for task in rows.filter(state__in=TELLING).exclude(name=ROUTINE):
            if hooks := _untold(failed, _task_key(task), task.ended_at):
                _announce_task(task, hooks)
    if over:
        groups = TaskGroup.objects.filter(about_model=RUN, pk__in=rows.values("group"))
        for group, (key, ended) in _ends(groups.values("pk")).items():
            if ended < now - SETTLED and (hooks := _untold(over, key, ended)):
                _announce_run(group, key, hooks)


def _untold(hooks: list[Webhook], key: str, at: dt.datetime | None) -> list[Webhook]:
    """Webhooks that were there when something happened and were not told of it."""
    there = set(Delivery.objects.filter(key=key).values_list("hook", flat=True))
    return [one for one in hooks if one.pk not in there and at and one.made_at <= at]


def _look_for_silence(hooks: list[Webhook], now: dt.datetime) -> None:
    silent = StationContact.objects.filter(heard_at__range=(now - MISSED, now - SILENT_AFTER))
    for contact in silent.select_related("station"):
        key = f"silent:{contact.station_id}:{contact.heard_at.isoformat()}"

        def told(viewer: AbstractBaseUser, contact: StationContact = contact) -> Iterable[Json]:
            return events.station_silent(contact, viewer)

        if fresh := _untold(hooks, key, contact.heard_at + SILENT_AFTER):
            announce(events.STATION_SILENT, key, told, fresh)
