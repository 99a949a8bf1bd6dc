"""What a person wants to be told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, Lot
from mppcqa.queue.models import Notice
from mppcqa.runs.models import Station

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


class Subject(models.TextChoices):
    """What one can be told of."""

    ALARM = "alarm", _("Alarm raised")
    VERDICT = "verdict", _("Verdict turned")
    LOT = "lot", _("Lot decided")
    SILENT = "silent", _("Station silent")
    SENT = "sent", _("Shipment under way")
    ARRIVED = "arrived", _("Shipment arrived")


SENTENCES: dict[str, StrOrPromise] = {
    Subject.ALARM: _("A station measures its reference device otherwise than before."),
    Subject.VERDICT: _("A device was judged otherwise than before."),
    Subject.LOT: _("A lot was accepted or rejected by its sample."),
    Subject.SILENT: _("A station's computer was not heard of any more."),
    Subject.SENT: _("A box left."),
    Subject.ARRIVED: _("A box was received."),
}
"""What each means, for who chooses."""
SCOPES = {
    Subject.ALARM: ("campaign", "station"),
    Subject.VERDICT: ("campaign", "station", "lot"),
    Subject.LOT: ("campaign", "lot"),
    Subject.SILENT: ("station",),
    Subject.SENT: ("campaign", "lot"),
    Subject.ARRIVED: ("campaign", "lot"),
}
"""What each can be narrowed to."""


class Subscription(models.Model):
    """A person wants to be told of something, all of it or of one campaign, station or lot."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions"
    )
    subject = models.CharField(_("what"), max_length=20, choices=Subject)
    way = models.CharField(_("how"), max_length=10, choices=Notice.Way, default=Notice.Way.PAGE)
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.CASCADE
    )
    station = models.ForeignKey(
        Station, verbose_name=_("station"), null=True, blank=True, on_delete=models.CASCADE
    )
    lot = models.ForeignKey(
        Lot, verbose_name=_("lot"), null=True, blank=True, on_delete=models.CASCADE
    )
    language = models.CharField(max_length=10, default="en")
    """In which it was asked for, and is told."""
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["subject", "id"]
        verbose_name = _("subscription")

    def __str__(self) -> str:
        return f"{self.get_subject_display()}: {self.user}"

    def devices(self, ids: Iterable[int]) -> models.QuerySet[Device]:
        """Of some devices (ids) those that its person sees and that it is narrowed to."""
        seen = Device.objects.visible_to(self.user).filter(pk__in=list(ids))
        if self.campaign_id is not None:
            seen = seen.filter(campaign=self.campaign_id)
        return seen if self.lot_id is None else seen.filter(lot=self.lot_id)

    def is_at(self, station: int | None) -> bool:
        """Whether what happened at a station (id) is asked for."""
        return self.station_id is None or self.station_id == station
