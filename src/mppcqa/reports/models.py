"""Reports that were written and kept."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device


class Report(models.Model):
    """A PDF report of a device as it stood when it was written."""

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="reports")
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    language = models.CharField(max_length=10)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("report")

    def __str__(self) -> str:
        return f"{self.device} {self.made_at:%Y-%m-%d %H:%M}"
