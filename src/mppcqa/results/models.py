"""Models of results: analyses, measured values, and which of them count for a device."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.database.fields import SingleField, TinyField
from mppcqa.database.identity import uuid_field
from mppcqa.inventory.models import Device
from mppcqa.inventory.scope import OfDevice, OfFile
from mppcqa.results.conditions import ConditionField, condition_text
from mppcqa.runs.models import RunFile

WHOLE_DEVICE = -1
"""Channel of a value that belongs to the whole device."""


class Outcome(models.TextChoices):
    """What a verdict says; `INCOMPLETE` where a value that has a limit is missing."""

    PASS = "pass", _("pass")
    WARNING = "warning", _("warning")
    FAIL = "fail", _("fail")
    INCOMPLETE = "incomplete", _("incomplete")


class Analysis(models.Model):
    """One analysis of one file. A new one adds values and never changes those of another."""

    # 32 bits: the key is repeated in every measured value.
    id = models.AutoField(primary_key=True)
    uuid = uuid_field()
    run_file = models.ForeignKey(RunFile, on_delete=models.PROTECT, related_name="analyses")
    stage = models.CharField(_("stage"), max_length=50)
    version = models.CharField(_("version of the analysis"), max_length=50)
    code_version = models.CharField(_("version of mppcqa"), max_length=50)
    parameters = models.JSONField(_("parameters"), default=dict)
    methods = models.JSONField(default=dict, help_text=_("Quantity -> how its value was had."))
    problems = models.JSONField(default=list, help_text=_("What could not be measured."))
    shared = models.JSONField(
        default=dict,
        help_text=_("Name -> what of the systematic uncertainties its values have in common."),
    )
    values = models.PositiveIntegerField(_("values"), default=0)
    counts = models.BooleanField(
        _("counts"), default=True, help_text=_("The analysis of its file that verdicts rest on.")
    )
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    made_at = models.DateTimeField(default=timezone.now)

    objects = OfFile.as_manager()

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("analysis")

    def __str__(self) -> str:
        return f"{self.stage} {self.version} #{self.pk}"


class QuantityRow(models.Model):
    """A quantity of a stage, as its stage declares it, with a small key for the big table."""

    id = models.SmallAutoField(primary_key=True)
    stage = models.CharField(max_length=50)
    key = models.CharField(max_length=60)
    title = models.CharField(max_length=100)
    symbol = models.CharField(max_length=30, blank=True)
    unit = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["stage", "key"], name="results_quantity_unique")
        ]

    def __str__(self) -> str:
        return f"{self.stage}.{self.key}"


class ConditionPoint(models.Model):
    """What values were measured at; one row for equal conditions."""

    id = models.AutoField(primary_key=True)
    at = ConditionField(unique=True)

    class Meta:
        verbose_name = _("condition")

    def __str__(self) -> str:
        return condition_text(self.at)


class Measurement(models.Model):
    """One measured value: the big table.

    Clustered by its composite key: what an analysis gave lies together, a device's values beside
    each other, and the table is only ever appended to. Who looks for values knows their analyses
    (`reading.analyses_of`); without them all of the table is read. Foreign keys carry neither index
    nor constraint: on InnoDB either would double the size of the table. Ingest is the only writer,
    and holds what constraints would.
    """

    pk = models.CompositePrimaryKey("analysis", "device", "quantity", "channel", "condition")
    device = models.ForeignKey(
        Device, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    analysis = models.ForeignKey(
        Analysis, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    quantity = models.ForeignKey(
        QuantityRow,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    channel = models.SmallIntegerField(help_text=_("From 0; -1 for the whole device."))
    condition = models.ForeignKey(
        ConditionPoint,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    value = models.FloatField()
    statistical = models.FloatField(
        help_text=_("Statistical standard uncertainty; NULL where unknown."), null=True
    )
    systematic = SingleField(
        help_text=_("Systematic standard uncertainty, what the analysis shares among it."),
        default=0.0,
    )
    # NULL takes no room, and a column that may be NULL is added at once, whatever the table's size.
    bound = TinyField(
        help_text=_("NULL for a value; 1 for an upper limit, -1 for a lower one."), null=True
    )

    class Meta:
        verbose_name = _("measured value")

    def __str__(self) -> str:
        if self.bound:
            return f"{'<' if self.bound > 0 else '>'} {self.value:g}"
        return f"{self.value:g} ± {self.statistical or 0:g} ± {self.systematic:g}"


class ValuesSeal(models.Model):
    """A hash of values as they were written, by which `fsck` knows that none was changed since.

    One an analysis; some more where many values came in blocks: each is of so many values as it
    says, the next ones in the order of the big table's key.
    """

    # As in the big table: who writes values holds what a constraint would.
    analysis = models.ForeignKey(
        Analysis, on_delete=models.CASCADE, db_constraint=False, related_name="seals"
    )
    first_device = models.IntegerField()
    values = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("seal of values")
        ordering: ClassVar = ["analysis", "first_device", "id"]

    def __str__(self) -> str:
        return f"{self.analysis_id}: {self.values}"


class FitRecords(models.Model):
    """What the fits of an analysis said of themselves, of one device: see `mppcqa.results.fits`."""

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="fit_records")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    fits = models.PositiveIntegerField(_("fits"))
    withheld = models.PositiveIntegerField(_("withheld"), help_text=_("Fits that gave no value."))
    lowest_p = models.FloatField(_("lowest p-value"), null=True, db_index=True)
    highest_chi2_ndf = models.FloatField(_("highest χ²/ndf"), null=True)
    packed = models.BinaryField(help_text=_("The records, as compressed JSON."))

    objects = OfDevice.as_manager()

    class Meta:
        verbose_name = _("records of fits")
        constraints = [
            models.UniqueConstraint(fields=["analysis", "device"], name="results_fits_unique")
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.fits}"


class SumsAt(models.Model):
    """What had been done to a device before it was measured, as it is in an analysis's conditions.

    Only where it had been anything; see `mppcqa.results.sums`.
    """

    analysis = models.ForeignKey(Analysis, on_delete=models.CASCADE, related_name="sums")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="+")
    at = ConditionField()

    objects = OfDevice.as_manager()

    class Meta:
        verbose_name = _("sums of what was done")
        constraints = [
            models.UniqueConstraint(fields=["analysis", "device"], name="results_sums_unique")
        ]

    def __str__(self) -> str:
        return f"{self.device}: {condition_text(self.at)}"


class Standing(models.Model):
    """What counts for a device at a stage now: the analysis, and the verdict once there is one.

    One small row a device and stage, so that lists, dashboards and device pages need not search.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="standings")
    stage = models.CharField(_("stage"), max_length=50)
    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="+")
    # By name: verdicts are of the room above, which alone writes this column and the next.
    verdict = models.ForeignKey(
        "limits.Verdict", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(_("verdict"), max_length=10, choices=Outcome, blank=True, default="")
    changed_at = models.DateTimeField(default=timezone.now)

    objects = OfDevice.as_manager()

    class Meta:
        verbose_name = _("standing")
        constraints = [
            models.UniqueConstraint(fields=["device", "stage"], name="results_standing_unique")
        ]
        indexes = [models.Index(fields=["stage", "outcome", "device"], name="results_standing_by")]

    def __str__(self) -> str:
        return f"{self.device} {self.stage}: {self.outcome or '?'}"
