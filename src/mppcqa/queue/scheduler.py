"""django-celery-beat's scheduler, which writes what it knows and nothing that people decide."""

from __future__ import annotations

from django_celery_beat.models import PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry


class Entry(ModelEntry):  # type: ignore[misc]
    """A schedule as the scheduler sees it."""

    def save(self) -> None:
        """Store when it ran last.

        The package's own reads the row and saves all of it: a schedule that somebody switched off,
        or moved, between the two was switched on and moved back.
        """
        row = PeriodicTask.objects.filter(pk=self.model.pk, enabled=True)
        row.update(last_run_at=self.model.last_run_at, total_run_count=self.model.total_run_count)


class Scheduler(DatabaseScheduler):  # type: ignore[misc]
    """What ``mppcqa scheduler`` runs."""

    Entry = Entry
