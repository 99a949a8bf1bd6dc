"""Alarms of stations: a reference device is not measured as it was, until somebody sees to it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device


class StationAlarm(models.Model):
    """A station's values drift; while it is open, verdicts on what it measures are held."""

    station = models.ForeignKey("runs.Station", on_delete=models.CASCADE, related_name="alarms")
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="+")
    """The reference device that shows it."""
    run = models.ForeignKey("runs.Run", null=True, on_delete=models.SET_NULL, related_name="+")
    """The one after which it was raised."""
    quantity = models.CharField(_("quantity"), max_length=60)
    """Its key."""
    off = models.FloatField(_("how far off"))
    """Of the moving average from the centre, in standard deviations of one measurement."""
    raised_at = models.DateTimeField(_("raised"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    closed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    why = models.CharField(_("what was found"), max_length=300, blank=True, default="")
    anew = models.BooleanField(_("the station was changed"), default=False)
    """Whether what is measured from then on has a baseline of its own."""
    held = models.ManyToManyField("runs.Run", related_name="held_by")
    """Runs whose verdicts wait for it."""

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("alarm of a station")

    def __str__(self) -> str:
        return f"{self.station}: {self.quantity}"

    def get_absolute_url(self) -> str:
        return f"{reverse('station_statistics')}?station={self.station_id}"


def open_alarm(station: int | None) -> StationAlarm | None:
    """The alarm of a station (id) that nobody has seen to yet."""
    if station is None:
        return None
    return StationAlarm.objects.filter(station=station, closed_at=None).first()
