"""What measures: instruments, where each stands, their calibrations, and which channel reads which.

Nothing of this is changed once a run may have used it: a place ends, a calibration is followed by
the next or withdrawn with a reason, a channel map has versions. `runs.calibrating` does it all.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.models import Institute
from mppcqa.inventory.scope import OfRun
from mppcqa.stages.calibrations import Calibrated, value_at

SOON = dt.timedelta(days=30)
"""How long before its end a calibration is told to end soon."""


class Standing(models.TextChoices):
    """What may be said of a calibration today."""

    NONE = "none", _("not watched")
    VALID = "valid", _("valid")
    SOON = "soon", _("ends soon")
    EXPIRED = "expired", _("expired")


def standing_of(until: dt.date | None, on: dt.date | None = None) -> Standing:
    """What may be said on a day (today) of something calibrated until a day, that included."""
    today = on or timezone.now().date()
    if until is None:
        return Standing.NONE
    if until < today:
        return Standing.EXPIRED
    return Standing.SOON if until - today < SOON else Standing.VALID


class Instrument(models.Model):
    """A supply, a meter, a light source, a sensor: whatever at a station shapes its numbers."""

    class Kind(models.TextChoices):
        SUPPLY = "supply", _("supply")
        METER = "meter", _("meter")
        DIGITIZER = "digitizer", _("digitizer or charge converter")
        AMPLIFIER = "amplifier", _("amplifier")
        LIGHT = "light source", _("LED or laser")
        THERMOMETER = "thermometer", _("thermometer")
        PHOTODIODE = "photodiode", _("photodiode")
        REFERENCE = "reference", _("reference detector")
        STATION = "station", _("station as a whole")
        OTHER = "other", _("other")

    uuid = uuid_field()
    name = models.CharField(_("name"), max_length=60, unique=True)
    kind = models.CharField(_("kind"), max_length=20, choices=Kind)
    maker = models.CharField(_("maker"), max_length=60, blank=True)
    model = models.CharField(_("model"), max_length=60, blank=True)
    serial = models.CharField(_("serial number"), max_length=60, blank=True)
    institute = models.ForeignKey(
        Institute, verbose_name=_("institute"), null=True, blank=True, on_delete=models.PROTECT
    )
    note = models.TextField(_("note"), blank=True)
    station = models.ForeignKey(
        "runs.Station",
        verbose_name=_("station"),
        null=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="instruments",
    )
    """Where it stands now: the station of its placement that has no end."""
    calibrated_until = models.DateField(_("calibrated until"), null=True, editable=False)
    """The first end among its calibrations that count; none where no end is known."""

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("instrument")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("instrument", args=[self.pk])

    @property
    def make(self) -> str:
        """Maker, model and serial number, as far as they are known."""
        return " ".join(filter(None, (self.maker, self.model, self.serial)))

    @property
    def standing(self) -> Standing:
        """What may be said of its calibration today."""
        return standing_of(self.calibrated_until)


def ending_soon() -> list[Instrument]:
    """Instruments that stand at a station and whose calibration has ended, or will soon."""
    day = timezone.now().date() + SOON
    rows = Instrument.objects.filter(station__isnull=False, calibrated_until__lt=day)
    return list(rows.select_related("station").order_by("calibrated_until", "name"))


class Placement(models.Model):
    """An instrument at a station from a day to a day, both included."""

    instrument = models.ForeignKey(Instrument, on_delete=models.CASCADE, related_name="placements")
    station = models.ForeignKey(
        "runs.Station",
        verbose_name=_("station"),
        on_delete=models.PROTECT,
        related_name="placements",
    )
    since = models.DateField(_("since"))
    until = models.DateField(_("until"), null=True, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-since", "-id"]
        verbose_name = _("placement")

    def __str__(self) -> str:
        return f"{self.instrument}, {self.station}"


class Calibration(models.Model):
    """What an instrument was found to do on a day: a factor, or values against something.

    Of one quantity the latest counts that was not withdrawn.
    """

    uuid = uuid_field()
    instrument = models.ForeignKey(
        Instrument, on_delete=models.PROTECT, related_name="calibrations"
    )
    done_on = models.DateField(_("calibrated on"))
    done_by = models.CharField(_("calibrated by"), max_length=100)
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
    quantity = models.CharField(_("quantity"), max_length=60, blank=True)
    """Empty for a check that brings no value."""
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    against = models.CharField(_("against"), max_length=60, blank=True)
    """What its values depend on; empty for one factor."""
    against_unit = models.CharField(_("unit of that"), max_length=20, blank=True)
    points = models.JSONField(default=list)
    """``[at, value, standard uncertainty]``, in order; `at` is None for one factor."""
    note = models.CharField(_("note"), max_length=300, blank=True)
    file = models.FileField(max_length=200, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    original_name = models.CharField(max_length=200, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    withdrawn_why = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["-done_on", "-id"]
        verbose_name = _("calibration")

    def __str__(self) -> str:
        return f"{self.instrument}, {self.done_on}"

    def standing_on(self, day: dt.date | None = None) -> Standing:
        """What may be said of it on a day; today where none is given."""
        return standing_of(self.valid_until, day)

    def value_at(self, at: float | None = None) -> tuple[float, float | None]:
        """Value and standard uncertainty, on the straight line between the points beside `at`.

        `ValueError` outside of the points: a table is not continued. Against slots there is no
        line: only those that are named have a value.
        """
        try:
            return value_at(self.points, at, self.against)
        except ValueError as fault:
            if at is None:
                raise ValueError(f"{self}: {fault}") from None
            where = f"{self.against} {at:g} {self.against_unit}"
            raise ValueError(f"{self} says nothing at {where}") from None

    def calibrated(self) -> Calibrated:
        """The same as analyses take it."""
        return Calibrated(
            instrument=self.instrument.name,
            quantity=self.quantity,
            unit=self.unit,
            points=tuple((at, value, error) for at, value, error in self.points),
            done_on=self.done_on,
            valid_until=self.valid_until,
            against=self.against,
            against_unit=self.against_unit,
        )


class ChannelMap(models.Model):
    """A version of what reads what at a station; the latest counts, none is ever changed."""

    station = models.ForeignKey(
        "runs.Station", on_delete=models.PROTECT, related_name="channel_maps"
    )
    version = models.PositiveIntegerField(_("version"))
    note = models.CharField(_("what changed"), max_length=300, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["-version"]
        verbose_name = _("channel map")
        constraints = [
            models.UniqueConstraint(fields=["station", "version"], name="runs_map_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.station}, {_('channel map')} {self.version}"


class ChannelLine(models.Model):
    """Channels of the device in a slot, and the instrument's channels that they are wired to.

    As many of the one as of the other, in order: device channel `first` to the instrument's
    `to_first`, and so on.
    """

    map = models.ForeignKey(ChannelMap, on_delete=models.CASCADE, related_name="lines")
    slot = models.PositiveSmallIntegerField(_("slot"))
    first = models.PositiveSmallIntegerField(_("first channel"))
    last = models.PositiveSmallIntegerField(_("last channel"))
    instrument = models.ForeignKey(
        Instrument, verbose_name=_("instrument"), on_delete=models.PROTECT, related_name="+"
    )
    to_first = models.PositiveSmallIntegerField(_("its first channel"))

    class Meta:
        ordering: ClassVar = ["slot", "first", "id"]

    def __str__(self) -> str:
        return f"{self.slot}: {self.first}–{self.last} → {self.instrument} {self.to_first}"

    @property
    def to_last(self) -> int:
        """The instrument's channel that the last one is wired to."""
        return self.to_first + self.last - self.first


class RunInstrument(models.Model):
    """An instrument that stood at a run's station, with a calibration that counted then."""

    run = models.ForeignKey("runs.Run", on_delete=models.CASCADE, related_name="instruments")
    instrument = models.ForeignKey(Instrument, on_delete=models.PROTECT, related_name="runs")
    calibration = models.ForeignKey(
        Calibration, null=True, on_delete=models.PROTECT, related_name="runs"
    )

    objects: ClassVar[Any] = OfRun.as_manager()

    class Meta:
        ordering: ClassVar = ["instrument__name", "id"]

    def __str__(self) -> str:
        return f"{self.run}: {self.calibration or self.instrument}"
