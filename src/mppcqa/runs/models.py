"""How devices are tested: stations, what sits in them, runs, and the files that runs leave."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.campaign import Campaign
from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.inventory.scope import OfDevice, OfRun, ScopedQuerySet
from mppcqa.people.tokens import KeptToken
from mppcqa.queue.models import STATION_PREFIX, State, Task
from mppcqa.runs.alarms import StationAlarm  # noqa: F401  (a table of this room)
from mppcqa.runs.instruments import ChannelMap, Instrument  # noqa: F401  (tables of this room)
from mppcqa.runs.procedures import Procedure


class Station(models.Model):
    """A test bench for one stage, with numbered slots for devices, counted from 1."""

    class Expiry(models.TextChoices):
        BLOCK = "block", _("no run starts without a reason")
        WARN = "warn", _("runs start, and it is told")

    class BadContact(models.TextChoices):
        ASK = "ask", _("the run stops and asks")
        BLOCK = "block", _("the run stops")
        TELL = "tell", _("the run goes on, and it is told")

    name = models.CharField(_("name"), max_length=60, unique=True)
    stage = models.CharField(_("stage"), max_length=50)
    institute = models.ForeignKey(
        Institute, verbose_name=_("institute"), null=True, blank=True, on_delete=models.PROTECT
    )
    slots = models.PositiveSmallIntegerField(_("slots"), default=4)
    device_type = models.ForeignKey(
        DeviceType,
        verbose_name=_("device type"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        help_text=_("The only type that fits its sockets; empty where any fits."),
    )
    program = models.JSONField(
        _("test program"),
        default=list,
        blank=True,
        help_text=_("Command and arguments; empty for the stage's simulated program."),
    )
    make_safe = models.JSONField(
        _("program that leaves the hardware safe"), default=list, blank=True
    )
    remote = models.BooleanField(
        _("its computer has an address and a token"),
        default=False,
        help_text=_(
            "Programs are chosen from the list that its computer reports; no command is typed here."
        ),
    )
    program_name = models.CharField(
        _("program of its list"),
        max_length=60,
        blank=True,
        help_text=_("Empty for the only one that its list has for the stage."),
    )
    time_limit_s = models.PositiveIntegerField(
        _("time limit of a run [s]"),
        default=7200,
        help_text=_("A test program that takes longer is stopped."),
    )
    calibrated_until = models.DateField(_("calibrated until"), null=True, editable=False)
    """The first end among its instruments' calibrations; `runs.calibrating` keeps it up."""
    expiry = models.CharField(
        _("once a calibration has expired"),
        max_length=10,
        choices=Expiry,
        default=Expiry.BLOCK,
        help_text=_("Whoever starts all the same gives a reason, and it is kept with the run."),
    )
    bad_contact = models.CharField(
        _("when a contact check finds a slot empty, swapped or dead"),
        max_length=10,
        choices=BadContact,
        default=BadContact.ASK,
        help_text=_("Of programs that check before they measure (docs/stations.md)."),
    )
    reference_device = models.ForeignKey(
        Device,
        verbose_name=_("reference device"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Measured here now and then, to see whether the station drifts."),
    )
    reference_every_days = models.PositiveSmallIntegerField(
        _("days between its measurements"),
        default=7,
        validators=[MinValueValidator(1)],
        help_text=_("When more have gone by, people who look after stations are reminded."),
    )

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("station")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("station", args=[self.name])

    @property
    def lane(self) -> str:
        """Name of the station's own queue: one task at a time."""
        return STATION_PREFIX + self.name


class LoadedDevice(models.Model):
    """What sits in a station now."""

    station = models.ForeignKey(Station, on_delete=models.PROTECT, related_name="loaded")
    slot = models.PositiveSmallIntegerField(_("slot"))
    device = models.OneToOneField(Device, on_delete=models.PROTECT, related_name="loaded_in")
    loaded_at = models.DateTimeField(default=timezone.now)
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["station", "slot"], name="runs_slot_holds_one")
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.slot}: {self.device}"


class Run(models.Model):
    """One measurement of the devices in a station, or one import of results from elsewhere."""

    uuid = uuid_field()
    stage = models.CharField(_("stage"), max_length=50)
    station = models.ForeignKey(
        Station, verbose_name=_("station"), null=True, blank=True, on_delete=models.PROTECT
    )
    parameters = models.JSONField(_("parameters"), default=dict)
    operator = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("operator"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
    )
    task_group = models.ForeignKey(
        "queue.TaskGroup", null=True, blank=True, on_delete=models.SET_NULL, related_name="runs"
    )
    devices = models.ManyToManyField(Device, through="RunSlot", related_name="runs")
    # Whose it is for good: what all of its devices had when it began, empty where they differed.
    campaign = models.ForeignKey(
        Campaign, verbose_name=_("campaign"), null=True, blank=True, on_delete=models.PROTECT
    )
    owner = models.ForeignKey(
        Institute, verbose_name=_("owner"), null=True, blank=True, on_delete=models.PROTECT
    )
    channel_map = models.ForeignKey(ChannelMap, null=True, blank=True, on_delete=models.PROTECT)
    """What read what when it began; its instruments are rows of `RunInstrument`."""
    procedure = models.ForeignKey(Procedure, null=True, blank=True, on_delete=models.PROTECT)
    """The version of the instructions that was in use when it began."""
    bad_contact = models.CharField(max_length=10, choices=Station.BadContact, blank=True)
    """What held for its contact check: the station's rule, or that somebody went on anyway."""
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    measured_at = models.DateTimeField(_("measured"), default=timezone.now)
    """When its devices were measured: what was done to them before is part of its conditions."""

    objects = ScopedQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("run")
        indexes = [models.Index(fields=["stage", "-id"], name="runs_run_stage")]

    def __str__(self) -> str:
        return f"{_('run')} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def state(self) -> State:
        """State of the run's tasks; an import without tasks counts as succeeded."""
        return self.task_group.state if self.task_group else State.SUCCEEDED


class RunFile(models.Model):
    """A file as a test program wrote it or as it came from elsewhere; never changed."""

    class Kind(models.TextChoices):
        RUN = "run", _("run file")
        IMPORT = "import", _("imported file")
        CHECKLIST = "checklist", _("checklist")
        PICTURE = "picture", _("picture")

    sha256 = models.CharField(max_length=64, unique=True)
    file = models.FileField(max_length=200)
    size = models.BigIntegerField()
    original_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RUN)
    run = models.ForeignKey(
        Run, null=True, blank=True, on_delete=models.PROTECT, related_name="files"
    )
    added_at = models.DateTimeField(default=timezone.now)

    objects = OfRun.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("run file")

    def __str__(self) -> str:
        return self.original_name

    def get_absolute_url(self) -> str:
        return reverse("run_file", args=[self.pk])


class MeasuredFolder(models.Model):
    """Where an attempt at measuring a run leaves its files, until they are kept or discarded."""

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="folders")
    task = models.ForeignKey(Task, null=True, on_delete=models.SET_NULL, related_name="+")
    name = models.CharField(max_length=60)
    """Below the folder of the run."""
    host = models.CharField(max_length=200)
    size = models.BigIntegerField(null=True)
    """Bytes of the run file once the program had ended; None while it runs or was cut off."""
    made_at = models.DateTimeField(default=timezone.now)
    kept_as = models.ForeignKey(RunFile, null=True, on_delete=models.SET_NULL, related_name="+")
    discarded_at = models.DateTimeField(null=True)
    discarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = OfRun.as_manager()

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "name", "host"], name="runs_folder_once")
        ]

    def __str__(self) -> str:
        return f"{self.run} {self.name}"

    @property
    def path(self) -> Path:
        """The folder on the computer that measured."""
        return Path(settings.MPPCQA_HOME) / "runs" / str(self.run_id) / self.name

    @property
    def is_left(self) -> bool:
        """Whether nobody has decided yet what becomes of its files."""
        return self.kept_as_id is None and self.discarded_at is None


class RunSlot(models.Model):
    """Which device sat in which slot during a run; kept when the station is unloaded."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="slots")
    slot = models.PositiveSmallIntegerField(_("slot"))
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="run_slots")

    objects = OfDevice.as_manager()

    class Meta:
        ordering: ClassVar = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["run", "slot"], name="runs_run_slot_unique"),
            models.UniqueConstraint(fields=["run", "device"], name="runs_run_device_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.slot}: {self.device}"


class StationToken(KeptToken):
    """What the computer of a station shows the server. The token itself is kept nowhere."""

    PREFIX: ClassVar[str] = "mppcqa-station-"

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="tokens")

    def __str__(self) -> str:
        return f"{self.station} {self.begins}…"


class StationContact(models.Model):
    """The computer of a station, as it last reported."""

    station = models.OneToOneField(Station, on_delete=models.CASCADE, related_name="contact")
    agent = models.CharField(max_length=40)
    """Which installation of the station's program; two with one token are told apart by it."""
    since = models.DateTimeField()
    heard_at = models.DateTimeField()
    version = models.CharField(max_length=50, blank=True)
    python = models.CharField(max_length=50, blank=True)
    host = models.CharField(max_length=200, blank=True)
    platform = models.CharField(max_length=100, blank=True)
    programs = models.JSONField(default=list)
    problem = models.CharField(max_length=500, blank=True)
    clock_ahead_s = models.FloatField(default=0.0)
    refused_at = models.DateTimeField(null=True)
    refused_host = models.CharField(max_length=200, blank=True)
    """When another computer came with the same token, and which."""

    def __str__(self) -> str:
        return f"{self.station}: {self.host}"


class StationOrder(models.Model):
    """An attempt at measuring that the computer of a station was given."""

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="orders")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    attempt = models.PositiveSmallIntegerField()
    agent = models.CharField(max_length=40)
    folder = models.ForeignKey(MeasuredFolder, on_delete=models.CASCADE, related_name="+")
    messages_seen = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)
    counted = models.BooleanField(null=True)
    """Whether the end that it told was taken: none, where the run was asked for again meanwhile."""

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints = [models.UniqueConstraint(fields=["task", "attempt"], name="runs_order_once")]

    def __str__(self) -> str:
        return f"{self.task_id}-{self.attempt} for {self.station}"
