"""What holds for the whole laboratory."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.rows import Row


class Laboratory(Row):
    """What holds for the whole laboratory; one row, or none while nothing was set."""

    zone = models.CharField(_("time zone"), max_length=64, default="UTC")

    def __str__(self) -> str:
        return self.zone
