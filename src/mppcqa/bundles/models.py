"""Other installations, their keys, bundles out and in, and where what came in is from."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.database.identity import uuid7
from mppcqa.inventory.models import Device, Shipment
from mppcqa.inventory.scope import OfDevice
from mppcqa.results.models import Analysis, Outcome


class Installation(models.Model):
    """A database of mppcqa: ours, or one that things come from."""

    uuid = models.UUIDField("UUID", default=uuid7, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=100)
    is_ours = models.BooleanField(default=False)
    bundles_made = models.PositiveIntegerField(default=0)
    """The number of the last bundle, if it is ours."""

    class Meta:
        ordering: ClassVar = ["name", "id"]
        verbose_name = _("partner")

    def __str__(self) -> str:
        return self.name


class Key(models.Model):
    """A public key by which bundles of an installation are known."""

    installation = models.ForeignKey(Installation, on_delete=models.CASCADE, related_name="keys")
    public = models.CharField(max_length=64, unique=True)
    """32 bytes of Ed25519 as hexadecimal digits."""
    host = models.CharField(max_length=200, blank=True)
    """Computer that has the private key, if it is ours."""
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    revoked_why = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = _("key of a partner")

    def __str__(self) -> str:
        return self.public[:16]


class Bundle(models.Model):
    """A file that went to a partner, or came from one."""

    class Way(models.TextChoices):
        OUT = "out", _("went out")
        IN = "in", _("came in")

    class State(models.TextChoices):
        MADE = "made", _("written")
        CHECKED = "checked", _("checked")
        TAKEN = "taken", _("taken in")

    way = models.CharField(max_length=3, choices=Way)
    state = models.CharField(_("state"), max_length=10, choices=State)
    uuid = models.UUIDField("UUID", default=uuid7, editable=False)
    number = models.PositiveIntegerField(_("number"), default=0)
    """Counted by its sender, from 1."""
    sender = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="bundles")
    shipment = models.ForeignKey(
        Shipment, null=True, blank=True, on_delete=models.SET_NULL, related_name="bundles"
    )
    asked = models.JSONField(default=dict)
    """What was asked for: ``run_files``, ``language``, ``paper``."""
    file = models.FileField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True, db_index=True)
    size = models.BigIntegerField(default=0)
    found = models.JSONField(default=dict)
    """Its counts; of one that came in also what is new, the same, and what differs."""
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("bundle")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["way", "uuid"], name="bundles_bundle_once")
        ]

    def __str__(self) -> str:
        return self.filename

    def get_absolute_url(self) -> str:
        return reverse("bundle", args=[self.pk])

    @property
    def filename(self) -> str:
        """Whose it is, its number, and what it is."""
        words = "".join(one if one.isalnum() else "-" for one in self.sender.name).strip("-")
        return f"{words or 'bundle'}-{self.number}.mppcqa.zip"


class CameFrom(models.Model):
    """Something here that was made at another installation, and what is told of it alone."""

    class Kind(models.TextChoices):
        DEVICE = "device", _("device")
        RUN = "run", _("run")
        ANALYSIS = "analysis", _("analysis")
        SHIPMENT = "shipment", _("shipment")

    kind = models.CharField(max_length=10, choices=Kind)
    number = models.BigIntegerField()
    """Its key in our database."""
    installation = models.ForeignKey(Installation, on_delete=models.PROTECT, related_name="+")
    bundle = models.ForeignKey(Bundle, null=True, on_delete=models.SET_NULL, related_name="+")
    facts = models.JSONField(default=dict)
    """Names of people and stations there, which are nobody here."""

    class Meta:
        verbose_name = _("origin")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["kind", "number"], name="bundles_origin_once")
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number}: {self.installation}"


class KnownAs(models.Model):
    """A name that another database gave to a device which was registered here as well."""

    uuid = models.UUIDField("UUID", unique=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="known_as")

    objects = OfDevice.as_manager()

    class Meta:
        verbose_name = _("name elsewhere")

    def __str__(self) -> str:
        return str(self.uuid)


class PartnerVerdict(models.Model):
    """What another installation says of a device by its own limits; `details` as in `Verdict`."""

    uuid = models.UUIDField("UUID", unique=True)
    installation = models.ForeignKey(
        Installation, on_delete=models.PROTECT, related_name="verdicts"
    )
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="partner_verdicts")
    stage = models.CharField(_("stage"), max_length=50)
    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="+")
    outcome = models.CharField(_("verdict"), max_length=10, choices=Outcome)
    details = models.JSONField(default=list)
    limits = models.JSONField(default=dict)
    """The set that it was judged by: title, version, reason and bands."""
    waiver = models.JSONField(default=dict)
    """Reason, by whom, when and until when; empty where there is none."""
    stands = models.BooleanField(default=False)
    """Whether it is the one that counts there."""
    judged_at = models.DateTimeField()

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["-judged_at", "-id"]
        verbose_name = _("verdict of a partner")

    def __str__(self) -> str:
        return f"{self.device}: {self.get_outcome_display()}"
