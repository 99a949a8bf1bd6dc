"""Reports that were written and kept, and what they are about where that has no row of its own."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.dispatch import receiver
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device, Institute
from mppcqa.store.keeping import discard


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


class ReportLook(models.Model):
    """How an institute's reports look: its head, colours, places to sign and closing text.

    The row without an institute is the installation's default. One in which nothing is said is as
    none.
    """

    key = models.CharField(max_length=20, unique=True)
    """Number of the institute; ``0`` for the default, of which there is one."""
    institute = models.OneToOneField(
        Institute, null=True, blank=True, on_delete=models.CASCADE, related_name="report_look"
    )
    name = models.CharField(_("name as printed"), max_length=300, blank=True)
    address = models.TextField(_("address"), max_length=300, blank=True)
    file = models.FileField(max_length=200, blank=True)
    """The logo, PNG or JPEG as it came."""
    sha256 = models.CharField(max_length=64, blank=True)
    colour = models.CharField(_("colour of the name"), max_length=7, blank=True)
    """As ``#rrggbb``."""
    accent = models.CharField(_("colour of lines"), max_length=7, blank=True)
    signatures_en = models.TextField(_("signature lines, English"), max_length=400, blank=True)
    """A title a line."""
    signatures_es = models.TextField(_("signature lines, Spanish"), max_length=400, blank=True)
    closing_en = models.TextField(_("closing text, English"), max_length=500, blank=True)
    closing_es = models.TextField(_("closing text, Spanish"), max_length=500, blank=True)
    sections = models.JSONField(_("sections"), default=dict, blank=True)
    """Kind of report -> keys of its sections in order, those left out with a ``-`` before."""

    class Meta:
        verbose_name = _("look of reports")

    def __str__(self) -> str:
        return self.name or (str(self.institute) if self.institute else str(_("default look")))


@receiver(models.signals.post_delete, sender=ReportLook)
def _discard_logo(instance: ReportLook, **_told: object) -> None:
    """An institute that goes takes its look with it, and that its logo."""
    discard(instance.file.name)
