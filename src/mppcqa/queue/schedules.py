"""Shipped schedules, as rows of django-celery-beat that people can change and switch off."""

from __future__ import annotations

import json
from typing import Any

from django.apps import apps

from mppcqa.queue.registry import Routine, scheduled

REAP_EVERY_S = 10


def make_schedules(**_: Any) -> None:
    """Make what is missing, after each migration; what exists is left as people want it."""
    if not apps.is_installed("django_celery_beat"):
        return
    from django.db import connection
    from django_celery_beat.models import IntervalSchedule, PeriodicTask

    if PeriodicTask._meta.db_table not in connection.introspection.table_names():
        return  # migrated later than the queue; the next migration makes them
    every, _new = IntervalSchedule.objects.get_or_create(every=REAP_EVERY_S, period="seconds")
    PeriodicTask.objects.get_or_create(
        name="Reaper", defaults={"task": "mppcqa.queue.reap", "interval": every}
    )
    for routine in scheduled():
        PeriodicTask.objects.get_or_create(
            name=routine.name,
            defaults={
                "task": "mppcqa.queue.scheduled",
                "kwargs": json.dumps({"name": routine.name}),
                "description": str(routine.title),
                **_when(routine),
            },
        )


def _when(routine: Routine) -> dict[str, Any]:
    from django_celery_beat.models import CrontabSchedule, IntervalSchedule

    if isinstance(routine.schedule, str):
        names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
        fields = dict(zip(names, routine.schedule.split(), strict=True))
        return {"crontab": CrontabSchedule.objects.get_or_create(**fields, timezone="UTC")[0]}
    every = IntervalSchedule.objects.get_or_create(
        every=int(routine.schedule or 0), period="seconds"
    )
    return {"interval": every[0]}
