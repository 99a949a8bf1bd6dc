"""What is tested: device types, lots, trays, devices, where they are and what they were called."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

import mppcqa.inventory.differences  # noqa: F401  (a model of this room)
from mppcqa.database.identity import uuid_field
from mppcqa.inventory.campaign import FIRST, Campaign
from mppcqa.inventory.cases import Case  # noqa: F401  (its table is of this room)
from mppcqa.inventory.matching import Matching  # noqa: F401  (its table is of this room)
from mppcqa.inventory.mountings import Mounting  # noqa: F401  (its table is of this room)
from mppcqa.inventory.records import DeviceRecord  # noqa: F401  (its table is of this room)
from mppcqa.inventory.scope import HoldingDevices, OfDevice, ScopedQuerySet, WithDevices
from mppcqa.inventory.serials import SERIAL_LENGTH
from mppcqa.inventory.states import DeviceState, Move


class Institute(models.Model):
    """A place where devices are, are tested, and between which they are shipped."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    address = models.TextField(_("address"), blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("institute")

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """What is known of a user beside the account; made with the account."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="person"
    )
    uuid = uuid_field()
    # Bound to these, a person sees what they own and what is in them: see `inventory.scope`.
    institute = models.ForeignKey(Institute, null=True, blank=True, on_delete=models.PROTECT)
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.PROTECT)

    class Meta:
        verbose_name = _("person")

    def __str__(self) -> str:
        return self.user.get_username()


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

    objects = HoldingDevices.as_manager()

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


class DeviceQuerySet(ScopedQuerySet["Device"]):
    """Devices; their states are changed by `inventory.moving` alone."""

    def update(self, **fields: Any) -> int:
        if "state" in fields:
            raise TypeError("the state of a device is changed by inventory.moving alone")
        return super().update(**fields)


class Device(models.Model):
    """One thing with a serial number: an array, a single MPPC, or a module that holds some."""

    # 32 bits: the key is repeated in every measured value, and two billion devices suffice.
    id = models.AutoField(primary_key=True)
    uuid = uuid_field()
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
    state = models.CharField(
        _("state"), max_length=10, choices=DeviceState, default=DeviceState.REGISTERED
    )
    """Changed by `inventory.moving` alone."""
    maker_serial = models.CharField(
        _("maker's serial number"), max_length=100, blank=True, default=""
    )
    maker_values = models.JSONField(_("maker's values"), default=dict, blank=True)
    installed = models.JSONField(_("built in"), default=dict, blank=True)
    """Where it was built in: ``module``, ``row``, ``col``, ``pos``, ``bias_channel``, as texts."""
    campaign = models.ForeignKey(
        Campaign,
        verbose_name=_("campaign"),
        default=FIRST,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="devices",
    )
    owner = models.ForeignKey(
        Institute,
        verbose_name=_("owner"),
        null=True,
        blank=True,
        db_index=False,
        on_delete=models.PROTECT,
        related_name="owned_devices",
    )
    tags = models.ManyToManyField(Tag, verbose_name=_("tags"), blank=True, related_name="devices")
    registered_at = models.DateTimeField(_("registered"), default=timezone.now)
    registered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    objects = DeviceQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["serial"]
        verbose_name = _("device")
        indexes = [
            models.Index(fields=["state", "serial"], name="inventory_device_state"),
            models.Index(fields=["campaign", "serial"], name="inventory_device_campaign"),
            models.Index(fields=["owner", "serial"], name="inventory_device_owner"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tray", "tray_row", "tray_column"], name="inventory_tray_position"
            )
        ]

    def __str__(self) -> str:
        return self.serial

    def save(self, **named: Any) -> None:
        """As ever; but who changes something else writes no state that he read a while ago."""
        if "state" in (named.get("update_fields") or ()):
            raise TypeError("the state of a device is changed by inventory.moving alone")
        if not self._state.adding and named.get("update_fields") is None:
            fields = self._meta.concrete_fields
            names = {one.name for one in fields if not one.primary_key} - {"state"}
            named["update_fields"] = names - self.get_deferred_fields()
        super().save(**named)

    def get_absolute_url(self) -> str:
        return reverse("device", args=[self.serial])


class DeviceMove(models.Model):
    """What was done with a device: who, when, why, from which state to which."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="moves")
    move = models.CharField(max_length=10, choices=Move)
    former = models.CharField(max_length=10, choices=DeviceState)
    state = models.CharField(max_length=10, choices=DeviceState)
    why = models.CharField(_("reason"), max_length=300, blank=True)
    """The reason that a person gave, or where it was moved to."""
    moved_at = models.DateTimeField(default=timezone.now)
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("move of a device")

    def __str__(self) -> str:
        return f"{self.device_id}: {self.former} → {self.state}"


class SerialAlias(models.Model):
    """A serial number that a device had before, so that it stays findable by it."""

    serial = models.CharField(_("former serial number"), max_length=SERIAL_LENGTH, unique=True)
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="aliases")
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    changed_at = models.DateTimeField(default=timezone.now)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    objects = OfDevice.as_manager()

    class Meta:
        verbose_name = _("former serial number")

    def __str__(self) -> str:
        return self.serial


class Shipment(models.Model):
    """Devices packed, then on their way from one institute to another."""

    class Exempt(models.TextChoices):
        """Why devices that fail, or are on hold, may be in it."""

        NONE = "", _("must not go")
        RETURN = "return", _("are returned to the maker")
        ALLOWED = "allowed", _("may go, for the reason given")

    uuid = uuid_field()
    origin = models.ForeignKey(Institute, on_delete=models.PROTECT, related_name="shipments_out")
    destination = models.ForeignKey(
        Institute, on_delete=models.PROTECT, related_name="shipments_in"
    )
    devices = models.ManyToManyField(Device, related_name="shipments")
    missing = models.ManyToManyField(Device, related_name="missing_in", blank=True)
    """Those of the devices that were not in the box; they may still come."""
    reference = models.CharField(_("tracking number"), max_length=100, blank=True)
    note = models.TextField(_("note"), blank=True)
    exempt = models.CharField(
        _("devices that fail or are on hold"),
        max_length=10,
        choices=Exempt,
        default=Exempt.NONE,
        blank=True,
    )
    exempt_why = models.CharField(_("reason why they may go"), max_length=300, blank=True)
    packed_at = models.DateTimeField(_("packed"), default=timezone.now)
    packed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)
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

    objects = WithDevices.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("shipment")

    def __str__(self) -> str:
        return f"{self.origin} → {self.destination}, {self.sent_at or self.packed_at:%Y-%m-%d}"

    @property
    def is_under_way(self) -> bool:
        return self.sent_at is not None and self.received_at is None


class Comment(models.Model):
    """What a person wrote about a device."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="comments")
    text = models.TextField(_("comment"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    written_at = models.DateTimeField(default=timezone.now)

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["written_at", "id"]
        verbose_name = _("comment")

    def __str__(self) -> str:
        return self.text[:60]


class Attachment(models.Model):
    """A file that belongs to a device: a photo, a data sheet."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="attachments")
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64, blank=True)
    original_name = models.CharField(max_length=200)
    photograph = models.BooleanField(default=False)
    """Whether it is the picture of the device that its certificate shows; one a device at most."""
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    added_at = models.DateTimeField(default=timezone.now)

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["added_at", "id"]
        verbose_name = _("attachment")

    def __str__(self) -> str:
        return self.original_name
