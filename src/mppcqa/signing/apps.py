"""The signing room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SigningConfig(AppConfig):
    name = "mppcqa.signing"
    label = "signing"
    verbose_name = _("Signatures")
