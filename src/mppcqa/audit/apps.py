"""The audit room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _


class AuditConfig(AppConfig):
    name = "mppcqa.audit"
    label = "audit"
    verbose_name = _("Audit")

    def ready(self) -> None:
        from mppcqa.audit.telling import listen

        connection_created.connect(listen, dispatch_uid="audit.telling")
        pre_migrate.connect(_before, sender=self, dispatch_uid="audit.before")
        post_migrate.connect(_after, sender=self, dispatch_uid="audit.after")


def _before(*, plan: Any = (), **_named: Any) -> None:
    """Tables change: no trigger may stand on a column that goes."""
    from mppcqa.audit.triggers import drop_triggers

    if plan:
        drop_triggers()


def _after(*, plan: Any = (), **_named: Any) -> None:
    from django.db import connection
    from django.db.migrations.recorder import MigrationRecorder

    from mppcqa.audit.telling import forget
    from mppcqa.audit.triggers import is_new, make_triggers, note

    make_triggers()
    forget()
    done = [(one.app_label, one.name) for one, _backwards in plan or ()]
    if not done and is_new():
        # A database that was made at once had no plan; what it was made by is entered all the same.
        done = sorted(MigrationRecorder(connection).applied_migrations())
    if done:
        note("migrate", {"migrations": [f"{app}.{name}" for app, name in done]})
