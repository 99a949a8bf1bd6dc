"""What was decided about a lot from a sample of it, by which plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.models import Device, Lot
from mppcqa.inventory.states import Move

BATCH = 500
HINDERED = (Move.PACK, Move.SHIP, Move.INSTALL, Move.RELEASE)
"""What may not be done with devices of a rejected lot."""


class Acceptance(models.Model):
    """A sample that was drawn from a lot, the plan that it is judged by, and what that says."""

    class Outcome(models.TextChoices):
        """What becomes of the lot."""

        OPEN = "", gettext_lazy("not decided")
        ACCEPTED = "accepted", gettext_lazy("accepted")
        REJECTED = "rejected", gettext_lazy("rejected")

    uuid = uuid_field()
    lot = models.ForeignKey(
        Lot, verbose_name=gettext_lazy("lot"), on_delete=models.PROTECT, related_name="acceptances"
    )
    lot_size = models.PositiveIntegerField(gettext_lazy("devices of the lot"))
    stage = models.CharField(gettext_lazy("stage"), max_length=50)
    plan = models.JSONField(default=dict)
    """``kind`` (``normal``, ``tightened``, ``count``, ``value``), ``n``, ``accept`` or ``k``,
    ``good`` and ``bad`` (qualities, 0 to 1), ``producer`` and ``consumer`` (risks); of the tables
    ``level`` and ``letter``; of values ``series`` (id), ``low`` and ``high`` in the stored unit."""
    sample = models.ManyToManyField(Device, related_name="sampled_in")
    drawn_at = models.DateTimeField(default=timezone.now)
    drawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(
        gettext_lazy("verdict"), max_length=10, choices=Outcome, default=Outcome.OPEN, blank=True
    )
    found = models.JSONField(default=dict)
    """``nonconforming`` and ``judged``; of values ``share``, ``most``, ``mean``, ``sigma``."""
    decided_at = models.DateTimeField(gettext_lazy("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    held = models.JSONField(default=list)
    """Ids of the devices that the rejection put on hold."""
    lifted_at = models.DateTimeField(gettext_lazy("lifted"), null=True, blank=True)
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    lifted_why = models.CharField(gettext_lazy("why"), max_length=300, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = gettext_lazy("acceptance of a lot")

    def __str__(self) -> str:
        return f"{self.lot}: {self.get_outcome_display()}"

    def get_absolute_url(self) -> str:
        return reverse("acceptance", args=[self.pk])

    @property
    def is_open(self) -> bool:
        return self.decided_at is None

    @property
    def rejects(self) -> bool:
        """Whether its lot is held by it."""
        return self.outcome == self.Outcome.REJECTED and self.lifted_at is None


def rejected_lots(devices: Collection[int]) -> dict[int, Lot]:
    """Device -> its lot, of those (ids) whose lot is rejected."""
    rejected = Acceptance.objects.filter(outcome=Acceptance.Outcome.REJECTED, lifted_at=None)
    lots = Lot.objects.in_bulk(rejected.values_list("lot", flat=True))
    if not lots:
        return {}
    ids, found = sorted(devices), {}
    for start in range(0, len(ids), BATCH):
        rows = Device.objects.filter(pk__in=ids[start : start + BATCH], lot__in=lots)
        found.update({pk: lots[lot] for pk, lot in rows.values_list("pk", "lot") if lot})
    return found


def of_rejected(move: Move, devices: Mapping[int, str], **_named: Any) -> dict[int, str]:
    """What the rejection of a lot has against moves of its devices."""
    if move not in HINDERED or not devices:
        return {}
    text = _(
        "%(serial)s is of lot %(lot)s, which is rejected; lift the rejection with a reason, or say "
        "in the shipment that it is returned"
    )
    return {
        pk: text % {"serial": devices[pk], "lot": lot} for pk, lot in rejected_lots(devices).items()
    }
