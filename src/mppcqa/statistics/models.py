"""Summary tables, kept up by the ingest in its own transaction: pages read these alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import OfDevice
from mppcqa.results.conditions import ConditionField
from mppcqa.results.models import Outcome, QuantityRow


class Series(models.Model):
    """One quantity at one rounded condition, over the campaign.

    Mean and variance come from the shifted sums (`total`, `squares` of value - `origin`), which
    keep their precision where the spread is small against the value.
    """

    id = models.AutoField(primary_key=True)
    quantity = models.ForeignKey(QuantityRow, on_delete=models.PROTECT, related_name="series")
    at = ConditionField(help_text="The condition, as it is compared over the campaign.")
    origin = models.FloatField()
    width = models.FloatField(help_text="Width of a histogram bucket, in the quantity's unit.")
    n = models.BigIntegerField(default=0)
    total = models.FloatField(default=0.0)
    squares = models.FloatField(default=0.0)
    limits = models.BigIntegerField(
        default=0, db_default=0, help_text="Limits, which are in none of the sums."
    )

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["quantity", "at"], name="statistics_series_unique")
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.at.text}"


class Bucket(models.Model):
    """How many values lie in [origin + bucket * width, origin + (bucket + 1) * width)."""

    pk = models.CompositePrimaryKey("series", "bucket")
    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="buckets", db_index=False
    )
    bucket = models.IntegerField()
    n = models.BigIntegerField(default=0)

    class Meta:
        pass

    def __str__(self) -> str:
        return f"{self.bucket}: {self.n}"


class DeviceSummary(models.Model):
    """One device's values of one series: the mean over its channels and their range.

    Limits are left out and counted in `limits`; a device with nothing else has no row.

    Nobody asks for all devices of a series, and there are as many rows as devices times series: its
    key carries neither index nor constraint, which would take as much room again.
    """

    pk = models.CompositePrimaryKey("device", "series")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="summaries")
    series = models.ForeignKey(
        Series, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    n = models.PositiveSmallIntegerField()
    mean = models.FloatField()
    uncertainty = models.FloatField(null=True, help_text="Whole standard uncertainty of the mean.")
    lowest = models.FloatField()
    highest = models.FloatField()
    limits = models.PositiveSmallIntegerField(default=0, db_default=0)

    objects = OfDevice.as_manager()

    class Meta:
        pass

    def __str__(self) -> str:
        return f"{self.mean:g}"


class OutcomeCount(models.Model):
    """How many devices stand with an outcome at a stage, by the week of their verdict.

    `week` is the Monday, in UTC.
    """

    stage = models.CharField(max_length=50)
    week = models.DateField()
    outcome = models.CharField(max_length=10, choices=Outcome)
    n = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["stage", "week"]
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "week", "outcome"], name="statistics_outcome_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.week} {self.outcome}: {self.n}"


class WeekYield(models.Model):
    """Devices of a stage by the week of their first verdict, and how many passed.

    `week` is the Monday, in UTC. A warning is a pass. `first_passed` by the first verdict,
    `last_passed` by the one that stands now.
    """

    stage = models.CharField(max_length=50)
    week = models.DateField()
    judged = models.BigIntegerField(default=0)
    first_passed = models.BigIntegerField(default=0)
    last_passed = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["stage", "week"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "week"], name="statistics_week_unique")
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.week}: {self.last_passed} of {self.judged}"


class QuantityCount(models.Model):
    """How many devices stand at a stage with an outcome of one judged quantity.

    Only what is no pass is counted; `quantity` is its key, `week` that of the standing verdict.
    """

    stage = models.CharField(max_length=50)
    week = models.DateField()
    quantity = models.CharField(max_length=60)
    outcome = models.CharField(max_length=10, choices=Outcome)
    n = models.BigIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["stage", "week"]
        constraints = [
            models.UniqueConstraint(
                fields=["stage", "week", "quantity", "outcome"],
                name="statistics_quantity_unique",
            )
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.quantity} {self.outcome}: {self.n}"


class Plan(models.Model):
    """How many devices shall have passed a stage, and by when; the line begins at `since`."""

    stage = models.CharField(max_length=50, unique=True)
    devices = models.PositiveIntegerField(_("devices"))
    since = models.DateField(_("from"))
    until = models.DateField(_("until"))

    class Meta:
        ordering: ClassVar = ["stage"]
        verbose_name = _("plan")

    def __str__(self) -> str:
        return f"{self.stage}: {self.devices}, {self.until}"
