"""The columnar room as a Django app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ColumnarConfig(AppConfig):
    name = "mppcqa.columnar"
    label = "columnar"
    verbose_name = _("Columnar copy")
