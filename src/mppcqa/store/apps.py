"""The store as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StoreConfig(AppConfig):
    name = "mppcqa.store"
    label = "store"
    verbose_name = _("Stored files")
