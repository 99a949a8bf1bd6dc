"""The reports room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ReportsConfig(AppConfig):
    name = "mppcqa.reports"
    label = "reports"
    verbose_name = _("Reports")
