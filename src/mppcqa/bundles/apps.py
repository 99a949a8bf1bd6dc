"""The room of bundles as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BundlesConfig(AppConfig):
    name = "mppcqa.bundles"
    label = "bundles"
    verbose_name = _("Bundles")
