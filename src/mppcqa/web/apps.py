"""The web room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class WebConfig(AppConfig):
    name = "mppcqa.web"
    label = "web"
    verbose_name = _("Pages")
