"""What is not right with a device: why it is held, who sees to it, and what becomes of it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.scope import OfDevice


class Case(models.Model):
    """Something that is not right with a device. It ends with a decision, and stays readable."""

    class Disposition(models.TextChoices):
        """What becomes of the device."""

        OPEN = "", gettext_lazy("not decided")
        USE = "use", gettext_lazy("used as it is")
        AGAIN = "again", gettext_lazy("tested again")
        RETURN = "return", gettext_lazy("returned to the maker")
        SCRAP = "scrap", gettext_lazy("scrapped")

    uuid = uuid_field()
    device = models.ForeignKey("inventory.Device", on_delete=models.CASCADE, related_name="cases")
    reason = models.CharField(gettext_lazy("reason"), max_length=300)
    in_charge = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=gettext_lazy("person in charge"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    opened_at = models.DateTimeField(gettext_lazy("opened"), default=timezone.now)
    opened_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    disposition = models.CharField(
        gettext_lazy("decision"),
        max_length=10,
        choices=Disposition,
        default=Disposition.OPEN,
        blank=True,
    )
    decided_why = models.CharField(gettext_lazy("why"), max_length=300, blank=True, default="")
    decided_at = models.DateTimeField(gettext_lazy("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = gettext_lazy("case")

    def __str__(self) -> str:
        return f"{_('case')} {self.pk}: {self.device}"

    def get_absolute_url(self) -> str:
        return reverse("case", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.decided_at is None

    @property
    def owner_id(self) -> int | None:
        """Whose look its claim has."""
        return self.device.owner_id
