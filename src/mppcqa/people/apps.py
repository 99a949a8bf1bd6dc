"""The people room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.translation import gettext_lazy as _


class PeopleConfig(AppConfig):
    name = "mppcqa.people"
    label = "people"
    verbose_name = _("People")

    def ready(self) -> None:
        # Of the app that is listed last: by then the rights of every app are there.
        post_migrate.connect(_roles, sender=self, dispatch_uid="people.roles")


def _roles(**_: Any) -> None:
    from mppcqa.people.roles import make_roles

    make_roles()
