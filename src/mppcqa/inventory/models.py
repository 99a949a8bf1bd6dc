"""What is tested: device types, lots, trays, devices, where they are and what they were called."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.serials import SERIAL_LENGTH


class Institute(models.Model):
    """A place where devices are, are tested, and between which they are shipped."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    address = models.TextField(_("address"), blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("institute")

    def __str__(self) -> str:
        return self.name


class Maker(models.Model):
    """A manufacturer."""

    name = models.CharField(_("name"), max_length=100, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("maker")

    def __str__(self) -> str:
        return self.name


class DeviceType(models.Model):
    """A model of device: its channels, how they lie, and what its serial numbers look like."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    maker = models.ForeignKey(
        Maker, verbose_name=_("maker"), null=True, blank=True, on_delete=models.PROTECT
    )
    rows = models.PositiveSmallIntegerField(_("rows"), default=4)
    columns = models.PositiveSmallIntegerField(_("columns"), default=4)
    channel_order = models.JSONField(
        _("channel order"),
        default=list,
        blank=True,
        help_text=_("Channel at each position, row by row; empty where it counts from 0."),
    )
    nominal_breakdown_v = models.FloatField(
        _("nominal breakdown voltage [V]"), null=True, blank=True
    )
    serial_pattern = models.CharField(
        _("serial pattern"),
        max_length=200,
        blank=True,
        help_text=_("Regular expression that a whole serial number must match; empty takes all."),
    )
    serial_check = models.CharField(
        _("check character"),
        max_length=10,
        blank=True,
        choices=[("mod10", _("Luhn digit (mod 10)")), ("mod36", _("letter or digit (mod 36)"))],
    )
    serial_next = models.CharField(
        _("generated serials"),
        max_length=100,
        blank=True,
        help_text=_("Format of generated serial numbers, such as S12045-{number:05d}."),
    )
    description = models.TextField(_("description"), blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("device type")

    def __str__(self) -> str:
        return self.name

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.rows * self.columns

    def channel_at(self, row: int, column: int) -> int:
        """Channel (from 0) that lies at a position (from 0)."""
        position = row * self.columns + column
        return self.channel_order[position] if self.channel_order else position


class Lot(models.Model):
    """A production lot of a maker."""

    name = models.CharField(_("name"), max_length=100)
    maker = models.ForeignKey(
        Maker, verbose_name=_("maker"), null=True, blank=True, on_delete=models.PROTECT
    )
    maker_values = models.JSONField(_("maker's values"), default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("lot")
        constraints = [
            models.UniqueConstraint(fields=["name", "maker"], name="inventory_lot_unique")
        ]

    def __str__(self) -> str:
        return self.name


class Tray(models.Model):
    """A carrier with positions in rows and columns, counted from 0."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    rows = models.PositiveSmallIntegerField(_("rows"))
    columns = models.PositiveSmallIntegerField(_("columns"))
    lot = models.ForeignKey(
        Lot, verbose_name=_("lot"), null=True, blank=True, on_delete=models.PROTECT
    )
    location = models.ForeignKey(
        Institute, verbose_name=_("location"), null=True, blank=True, on_delete=models.PROTECT
    )
    maker_values = models.JSONField(_("maker's values"), default=dict, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("tray")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tray", args=[self.name])


class Tag(models.Model):
    """A word that people put on devices to find them again."""

    name = models.CharField(_("name"), max_length=50, unique=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("tag")

    def __str__(self) -> str:
        return self.name


class Device(models.Model):
    """One thing with a serial number: an array, a single MPPC, or a module that holds some."""

    # 32 bits: the key is repeated in every measured value, and two billion devices suffice.
    id = models.AutoField(primary_key=True)
    serial = models.CharField(_("serial number"), max_length=SERIAL_LENGTH, unique=True)
    device_type = models.ForeignKey(
        DeviceType, verbose_name=_("device type"), on_delete=models.PROTECT, related_name="devices"
    )
    lot = models.ForeignKey(
        Lot, verbose_name=_("lot"), null=True, blank=True, on_delete=models.PROTECT
    )
    tray = models.ForeignKey(
        Tray,
        verbose_name=_("tray"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="devices",
    )
    tray_row = models.PositiveSmallIntegerField(_("row in the tray"), null=True, blank=True)
    tray_column = models.PositiveSmallIntegerField(_("column in the tray"), null=True, blank=True)
    location = models.ForeignKey(
        Institute, verbose_name=_("location"), null=True, blank=True, on_delete=models.PROTECT
    )
    parent = models.ForeignKey(
        "self",
        verbose_name=_("part of"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="children",
    )
    maker_values = models.JSONField(_("maker's values"), default=dict, blank=True)
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), blank=True, related_name="devices")
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["serial"]
        verbose_name = _("device")
        constraints = [
            models.UniqueConstraint(
                fields=["tray", "tray_row", "tray_column"], name="inventory_tray_position"
            )
        ]

    def __str__(self) -> str:
        return self.serial

    def get_absolute_url(self) -> str:
        return reverse("device", args=[self.serial])


class SerialAlias(models.Model):
    """A serial number that a device had before, so that it stays findable by it."""

    serial = models.CharField(_("former serial number"), max_length=SERIAL_LENGTH, unique=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="aliases")
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        verbose_name = _("former serial number")

    def __str__(self) -> str:
        return self.serial


class Shipment(models.Model):
    """Devices on their way from one institute to another."""

    origin = models.ForeignKey(Institute, on_delete=models.PROTECT, related_name="shipments_out")
    destination = models.ForeignKey(
        Institute, on_delete=models.PROTECT, related_name="shipments_in"
    )
    devices = models.ManyToManyField(Device, related_name="shipments")
    missing = models.ManyToManyField(Device, related_name="missing_in", blank=True)
    """Those of the devices that were not in the box; they may still come."""
    reference = models.CharField(_("tracking number"), max_length=100, blank=True)
    note = models.TextField(_("note"), blank=True)
    sent_at = models.DateTimeField(_("sent"), default=timezone.now)
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    received_at = models.DateTimeField(_("received"), null=True, blank=True)
    received_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        ordering: ClassVar = ["-sent_at", "-id"]
        verbose_name = _("shipment")

    def __str__(self) -> str:
        return f"{self.origin} → {self.destination}, {self.sent_at:%Y-%m-%d}"


class Comment(models.Model):
    """What a person wrote about a device."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField(_("comment"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    written_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["written_at", "id"]
        verbose_name = _("comment")

    def __str__(self) -> str:
        return self.text[:60]


class Attachment(models.Model):
    """A file that belongs to a device: a photo, a data sheet."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(upload_to="attachments/%Y/%m/")
    original_name = models.CharField(max_length=200)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["added_at", "id"]
        verbose_name = _("attachment")

    def __str__(self) -> str:
        return self.original_name
