"""Faults of stored files, as they were found when the files were read."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class StoredFault(models.Model):
    """A stored file that is gone or not what was stored; the row goes once it is whole again."""

    class What(models.TextChoices):
        MISSING = "missing", _("not in the store")
        DAMAGED = "damaged", _("damaged")

    name = models.CharField(max_length=200, unique=True)
    what = models.CharField(max_length=10, choices=What)
    found_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("fault of a stored file")

    def __str__(self) -> str:
        return f"{self.name} {self.what}"
