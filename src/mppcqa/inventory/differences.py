"""What was not as it should be when a shipment was opened; it stays with the shipment."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class ShipmentDifference(models.Model):
    """A device that was missing, came along, or was damaged on arrival."""

    class What(models.TextChoices):
        MISSING = "missing", _("missing")
        UNEXPECTED = "unexpected", _("came along")
        DAMAGED = "damaged", _("damaged")

    shipment = models.ForeignKey(
        "inventory.Shipment", on_delete=models.CASCADE, related_name="differences"
    )
    what = models.CharField(_("difference"), max_length=10, choices=What)
    serial = models.CharField(_("serial number"), max_length=64)
    """As it was scanned, or as it stood in the shipment: it may be registered nowhere."""
    note = models.CharField(_("note"), max_length=300, blank=True)
    noted_at = models.DateTimeField(default=timezone.now)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    settled_at = models.DateTimeField(null=True, blank=True)
    """When a missing one came after all."""

    class Meta:
        ordering: ClassVar = ["what", "serial"]
        verbose_name = _("difference on arrival")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["shipment", "what", "serial"], name="inventory_difference_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.serial}: {self.get_what_display()}"
