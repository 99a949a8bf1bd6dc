"""How devices are tested: stations, runs, run files, analyses, values, limits, verdicts."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device, DeviceType, Institute
from mppcqa.queue.models import STATION_PREFIX, State
from mppcqa.testing.mappings import ForeignMapping  # noqa: F401

# The models of results live in a file of their own; Django looks for all of them here.
from mppcqa.testing.results import (  # noqa: F401
    WHOLE_DEVICE,
    Analysis,
    ConditionPoint,
    Limit,
    LimitSet,
    Measurement,
    Outcome,
    QuantityRow,
    RunFile,
    SignOff,
    Standing,
    Verdict,
    Waiver,
    condition_text,
)


class Station(models.Model):
    """A test bench for one stage, with numbered slots for devices, counted from 1."""

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
    time_limit_s = models.PositiveIntegerField(
        _("time limit of a run [s]"),
        default=7200,
        help_text=_("A test program that takes longer is stopped."),
    )
    calibrated_until = models.DateField(_("calibrated until"), null=True, blank=True)
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

    station = models.ForeignKey(Station, on_delete=models.CASCADE, related_name="loaded")
    slot = models.PositiveSmallIntegerField(_("slot"))
    device = models.OneToOneField(Device, on_delete=models.PROTECT, related_name="loaded_in")
    loaded_at = models.DateTimeField(default=timezone.now)
    loaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["station", "slot"], name="testing_slot_holds_one")
        ]

    def __str__(self) -> str:
        return f"{self.station} {self.slot}: {self.device}"


class Run(models.Model):
    """One measurement of the devices in a station, or one import of results from elsewhere."""

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
    note = models.TextField(_("note"), blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("run")
        indexes = [models.Index(fields=["stage", "-id"], name="testing_run_stage")]

    def __str__(self) -> str:
        return f"{_('run')} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    @property
    def state(self) -> State:
        """State of the run's tasks; an import without tasks counts as succeeded."""
        return self.task_group.state if self.task_group else State.SUCCEEDED


class RunSlot(models.Model):
    """Which device sat in which slot during a run; kept when the station is unloaded."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="slots")
    slot = models.PositiveSmallIntegerField(_("slot"))
    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="run_slots")

    class Meta:
        ordering: ClassVar = ["slot"]
        constraints = [
            models.UniqueConstraint(fields=["run", "slot"], name="testing_run_slot_unique"),
            models.UniqueConstraint(fields=["run", "device"], name="testing_run_device_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.slot}: {self.device}"
