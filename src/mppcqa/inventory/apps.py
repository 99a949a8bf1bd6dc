"""The inventory room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class InventoryConfig(AppConfig):
    name = "mppcqa.inventory"
    label = "inventory"
    verbose_name = _("Devices")
