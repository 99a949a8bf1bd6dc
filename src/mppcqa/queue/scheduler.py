"""django-celery-beat's scheduler: due by the laboratory's clock, and each time asked for once.

What is due becomes a task here, in one transaction with the note that it ran. A message that says
so might be lost with its broker, and the one night that it was for with it.
"""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any
from zoneinfo import ZoneInfo

from celery import schedules
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from mppcqa.queue.clock import crontab_of, next_due
from mppcqa.queue.errors import SubmitError
from mppcqa.queue.schedules import ROUTINE, ask, since

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 300.0


class Entry(ModelEntry):  # type: ignore[misc]
    """A schedule as the scheduler sees it."""

    def is_due(self) -> Any:
        """Whether it is due, and in how many seconds to look again."""
        if not self.model.enabled:
            return schedules.schedstate(False, LOOK_EVERY_S)
        if self.model.one_off and self.model.total_run_count > 0:
            # The package would save its whole row here, and take back what people changed.
            self.model.enabled = False
            return schedules.schedstate(False, LOOK_EVERY_S)
        if self.model.crontab_id is None:
            return super().is_due()
        tab = self.model.crontab
        line, where = crontab_of(tab), ZoneInfo(str(tab.timezone))
        now = timezone.now()
        when = next_due(line, where, since(self.model, self.last_run_at))
        if when is None:
            return schedules.schedstate(False, LOOK_EVERY_S)
        if when > now:
            return schedules.schedstate(False, (when - now).total_seconds())
        again = next_due(line, where, now)
        return schedules.schedstate(True, (again - now).total_seconds() if again else LOOK_EVERY_S)

    def save(self) -> None:
        """Store when it ran last.

        The package's own reads the row and saves all of it: a schedule that somebody switched off,
        or moved, between the two was switched on and moved back.
        """
        if self.task == ROUTINE:
            return  # written with the task that it asked for
        row = PeriodicTask.objects.filter(pk=self.model.pk, enabled=True)
        row.update(last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count)


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """What ``mppcqa scheduler`` runs."""

    Entry = Entry

    def enabled_models_qs(self) -> QuerySet[PeriodicTask]:
        """All of them: the package leaves out by the hour, and knows no summer time."""
        rows: QuerySet[PeriodicTask] = PeriodicTask.objects.enabled()
        return rows.select_related("interval", "crontab", "clocked")

    def apply_async(
        self, entry: ModelEntry, producer: Any = None, advance: bool = True, **named: Any
    ) -> Any:
        """Ask for what is due; what is no routine goes to the broker as before."""
        if entry.task != ROUTINE:
            return super().apply_async(entry, producer=producer, advance=advance, **named)
        return ask_due(entry.model, entry.last_run_at)


def ask_due(schedule: PeriodicTask, last: dt.datetime) -> Any:
    """The task of a schedule that is due; None where another scheduler has asked for it already.

    last
        When it ran before: of two schedulers one finds it so.
    """
    with transaction.atomic():
        rows = PeriodicTask.objects.filter(pk=schedule.pk, enabled=True)
        ran: dict[str, Any] = {"total_run_count": F("total_run_count") + 1}
        if schedule.one_off:
            ran["enabled"] = False
        if not rows.filter(Q(last_run_at=None) | Q(last_run_at__lte=last)).update(
            last_run_at=timezone.now(), **ran
        ):
            return None
        try:
            return ask(schedule)
        except SubmitError as error:
            logger.error("the schedule of %s: %s", schedule.name, error)
            return None
