"""The inventory room as a Django app."""

from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_migrate, post_save
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "mppcqa.inventory"
    label = "inventory"
    verbose_name = _("Devices")

    def ready(self) -> None:
        from mppcqa.inventory.campaign import make_first_campaign
        from mppcqa.inventory.deciding import speak_against
        from mppcqa.inventory.reserving import parted
        from mppcqa.inventory.signals import objections_asked

        post_migrate.connect(make_first_campaign, sender=self)
        post_save.connect(_person, settings.AUTH_USER_MODEL, dispatch_uid="inventory.person")
        objections_asked.connect(speak_against, dispatch_uid="inventory.cases")
        objections_asked.connect(parted, dispatch_uid="inventory.matching")


def _person(*, instance: Any, created: bool, raw: bool = False, **_named: Any) -> None:
    from mppcqa.inventory.models import Person

    if created and not raw:
        Person.objects.create(user=instance)
