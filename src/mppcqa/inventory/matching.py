"""Devices that were matched: groups of alike ones that stay together, and are kept for it."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.scope import OfDevice, WithDevices


class Matching(models.Model):
    """Groups of devices by one value of each: which values, and how far apart they lie.

    Its devices are reserved for it until it is undone; what was matched stays readable.
    """

    uuid = uuid_field()
    name = models.CharField(_("name"), max_length=100, unique=True)
    size = models.PositiveSmallIntegerField(_("devices in a group"))
    stage = models.CharField(max_length=50, blank=True, default="")
    """Of the quantity; empty where the value is the maker's."""
    quantity = models.CharField(max_length=60)
    at = models.CharField(max_length=250, blank=True, default="")
    """The condition as text."""
    unit = models.CharField(max_length=20, blank=True, default="")
    """Of all values here."""
    limits = models.JSONField(default=dict)
    """What was asked for beside size and value: ``type``, ``lot`` (names), ``alike`` (what all of
    a group have in common), ``stages`` (with verdicts), ``outcomes``, ``groups``, ``widest``."""
    candidates = models.PositiveIntegerField(_("devices to choose from"))
    spread = models.FloatField(help_text="Mean of the groups' spreads; no grouping has a smaller.")
    sorted_spread = models.FloatField(help_text="The same of groups cut from the sorted line.")
    plain_spread = models.FloatField(help_text="The same of groups in the order of serials.")
    devices = models.ManyToManyField(
        "inventory.Device", through="inventory.Matched", related_name="matchings"
    )
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    undone_why = models.CharField(_("why"), max_length=300, blank=True, default="")

    objects = WithDevices.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("matching")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("matching", args=[self.pk])

    @property
    def holds(self) -> bool:
        """Whether its devices are reserved."""
        return self.undone_at is None


class Matched(models.Model):
    """A device in a group, with the value that put it there."""

    matching = models.ForeignKey(Matching, on_delete=models.CASCADE, related_name="members")
    device = models.ForeignKey("inventory.Device", on_delete=models.CASCADE, related_name="matched")
    group = models.PositiveIntegerField(_("group"))
    """From 1, the lowest values first."""
    value = models.FloatField()
    uncertainty = models.FloatField(null=True)
    """Standard uncertainty; None where nobody knows."""

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["matching", "group", "value", "id"]
        verbose_name = _("matched device")
        constraints = [
            models.UniqueConstraint(fields=["matching", "device"], name="inventory_matched_once")
        ]

    def __str__(self) -> str:
        return f"{self.matching_id}.{self.group}: {self.device_id}"
