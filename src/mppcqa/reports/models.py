"""Reports that were written and kept, and what they are about where that has no row of its own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device


class Report(models.Model):
    """A PDF report as it was written: of what, in which language, and what it was made of."""

    kind = models.CharField(_("kind"), max_length=40)
    """Key of a `mppcqa.reports.kinds.ReportKind`."""
    about_model = models.CharField(max_length=100)
    about_id = models.CharField(max_length=64)
    title = models.CharField(_("title"), max_length=400)
    """What it is of, by the name that this had then."""
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    language = models.CharField(_("language"), max_length=10)
    paper = models.CharField(_("paper"), max_length=10)
    inputs = models.JSONField(default=dict)
    """What its numbers come from: analyses, files and limits by stage, and the version."""
    made_at = models.DateTimeField(_("written"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("report")
        indexes: ClassVar = [
            models.Index(fields=["about_model", "about_id"], name="reports_report_about")
        ]

    def __str__(self) -> str:
        return f"{self.title} {self.made_at:%Y-%m-%d %H:%M}"


class Selection(models.Model):
    """Devices that somebody chose by the filters of the list, to have reports of them.

    The filters are kept, and not the devices: a report is of those that fit when it is written,
    among those that the person who chose may see.
    """

    title = models.CharField(_("title"), max_length=200)
    filters = models.JSONField(_("filters"), default=dict)
    """As the address of the list has them, see `mppcqa.results.selection.DEVICE_FILTERS`."""
    same = models.CharField(max_length=64, unique=True)
    """Of the person and the filters: who asks twice for the same has one selection."""
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.CASCADE
    )
    made_at = models.DateTimeField(_("made"), default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("selection")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("report_selection", args=[self.pk])

    def devices(self) -> QuerySet[Device]:
        """The devices that fit now."""
        from mppcqa.results.selection import chosen_devices  # needs all models loaded

        return chosen_devices(self.filters, self.made_by)
