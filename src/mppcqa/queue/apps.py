"""The queue as a Django app."""

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class QueueConfig(AppConfig):
    name = "mppcqa.queue"
    label = "queue"
    verbose_name = _("Task queue")

    def ready(self) -> None:
        # Routines are declared in the `tasks` module of each app.
        autodiscover_modules("tasks")
        import mppcqa.queue.housekeeping  # noqa: F401  (declares its routines)
        from mppcqa.queue.schedules import make_schedules
        from mppcqa.queue.sockets import notice_dead_peers

        connection_created.connect(notice_dead_peers)
        post_migrate.connect(make_schedules, sender=self)
