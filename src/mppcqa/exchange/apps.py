"""The exchange room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ExchangeConfig(AppConfig):
    name = "mppcqa.exchange"
    label = "exchange"
    verbose_name = _("Imports and exports")

    def ready(self) -> None:
        from django.utils.translation import gettext

        from mppcqa.tables import use_translation

        use_translation(gettext)
