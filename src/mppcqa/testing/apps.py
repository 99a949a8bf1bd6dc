"""The testing room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TestingConfig(AppConfig):
    name = "mppcqa.testing"
    label = "testing"
    verbose_name = _("Tests")
