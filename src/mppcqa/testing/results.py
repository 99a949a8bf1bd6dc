"""Models of results: run files, analyses, measured values, limits, verdicts.

Imported by `mppcqa.testing.models`, which is where other rooms take them from.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.models import Device, DeviceType

WHOLE_DEVICE = -1
"""Channel of a value that belongs to the whole device."""


class Outcome(models.TextChoices):
    """What a verdict says; `INCOMPLETE` where a value that has a limit is missing."""

    PASS = "pass", _("pass")
    WARNING = "warning", _("warning")
    FAIL = "fail", _("fail")
    INCOMPLETE = "incomplete", _("incomplete")


class RunFile(models.Model):
    """A file as a test program wrote it or as it came from elsewhere; never changed."""

    class Kind(models.TextChoices):
        RUN = "run", _("run file")
        IMPORT = "import", _("imported file")

    sha256 = models.CharField(max_length=64, unique=True)
    file = models.FileField(max_length=200)
    size = models.BigIntegerField()
    original_name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind, default=Kind.RUN)
    run = models.ForeignKey(
        "testing.Run", null=True, blank=True, on_delete=models.PROTECT, related_name="files"
    )
    added_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("run file")

    def __str__(self) -> str:
        return self.original_name

    def get_absolute_url(self) -> str:
        return reverse("run_file", args=[self.pk])


class Analysis(models.Model):
    """One analysis of one file. A new one adds values and never changes those of another."""

    # 32 bits: the key is repeated in every measured value.
    id = models.AutoField(primary_key=True)
    run_file = models.ForeignKey(RunFile, on_delete=models.PROTECT, related_name="analyses")
    stage = models.CharField(_("stage"), max_length=50)
    version = models.CharField(_("version of the analysis"), max_length=50)
    code_version = models.CharField(_("version of mppcqa"), max_length=50)
    parameters = models.JSONField(_("parameters"), default=dict)
    methods = models.JSONField(default=dict, help_text=_("Quantity -> how its value was had."))
    problems = models.JSONField(default=list, help_text=_("What could not be measured."))
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
            models.UniqueConstraint(fields=["stage", "key"], name="testing_quantity_unique")
        ]

    def __str__(self) -> str:
        return f"{self.stage}.{self.key}"


CONDITION_WORDS = {
    "bias_v": "{:g} V",
    "overvoltage_v": _("{:g} V over breakdown"),
    "temperature_c": "{:g} °C",
    "light": _("light {:g}"),
}


def condition_text(
    values: Mapping[str, float | None], *, lights: Collection[float] | None = None
) -> str:
    """A condition in words, in the reader's language.

    lights
        The light settings among which it stands: one that does not differ is not said, and one
        beside darkness needs no number.
    """
    words = dict(CONDITION_WORDS)
    if lights is not None and len(lights) < 2:
        del words["light"]
    elif lights is not None and len(lights) == 2 and 0 in lights:
        words["light"] = _("with light") if values.get("light") else _("in the dark")
    there = [(text, values.get(name)) for name, text in words.items()]
    return ", ".join(str(text).format(value) for text, value in there if value is not None)


class ConditionPoint(models.Model):
    """Bias, temperature and light that values were measured at; one row for equal conditions."""

    id = models.AutoField(primary_key=True)
    key = models.CharField(max_length=100, unique=True)
    bias_v = models.FloatField(null=True, blank=True)
    overvoltage_v = models.FloatField(null=True, blank=True)
    temperature_c = models.FloatField(null=True, blank=True)
    light = models.FloatField(null=True, blank=True)

    class Meta:
        verbose_name = _("condition")

    def __str__(self) -> str:
        return condition_text(self.values())

    def values(self) -> dict[str, float | None]:
        """What was set, by name; as verdicts keep it."""
        return {name: getattr(self, name) for name in CONDITION_WORDS}


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
    uncertainty = models.FloatField(
        help_text=_("Standard uncertainty; NULL where unknown."), null=True
    )

    class Meta:
        verbose_name = _("measured value")

    def __str__(self) -> str:
        return f"{self.value:g} ± {self.uncertainty or 0:g}"


class LimitSet(models.Model):
    """A version of the limits of a stage. Once used it is never changed; a change is a new one."""

    stage = models.CharField(_("stage"), max_length=50)
    device_type = models.ForeignKey(
        DeviceType, verbose_name=_("device type"), null=True, blank=True, on_delete=models.PROTECT
    )
    version = models.PositiveIntegerField(_("version"))
    title = models.CharField(_("title"), max_length=100)
    reason = models.TextField(_("why these limits"), blank=True)
    active = models.BooleanField(_("in use"), default=False)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )

    class Meta:
        ordering: ClassVar = ["stage", "-version"]
        verbose_name = _("limit set")
        constraints = [
            models.UniqueConstraint(fields=["stage", "version"], name="testing_limits_version")
        ]

    def __str__(self) -> str:
        return f"{self.title} ({_('version')} {self.version})"


class Limit(models.Model):
    """A band: inside [pass_low, pass_high] passes, inside [warn_low, warn_high] warns."""

    limit_set = models.ForeignKey(LimitSet, on_delete=models.CASCADE, related_name="limits")
    quantity = models.ForeignKey(QuantityRow, on_delete=models.PROTECT, related_name="+")
    pass_low = models.FloatField(_("pass from"), null=True, blank=True)
    pass_high = models.FloatField(_("pass to"), null=True, blank=True)
    warn_low = models.FloatField(_("warn from"), null=True, blank=True)
    warn_high = models.FloatField(_("warn to"), null=True, blank=True)
    overvoltage_v = models.FloatField(
        _("at overvoltage [V]"),
        null=True,
        blank=True,
        help_text=_("Judge the value nearest to this overvoltage; empty judges all."),
    )
    reason = models.CharField(_("reason"), max_length=300, blank=True)

    class Meta:
        ordering: ClassVar = ["id"]
        verbose_name = _("limit")

    def __str__(self) -> str:
        return f"{self.quantity}: {self.pass_low} … {self.pass_high}"


class Verdict(models.Model):
    """A device judged at a stage by a limit set; kept when a later one replaces it.

    `details` is a list with one entry a judged quantity: ``quantity`` (key), ``outcome``,
    ``channel`` (of the worst value, -1 for the device), ``value``, ``uncertainty``, ``pass_low``,
    ``pass_high``, ``warn_low``, ``warn_high``, ``condition`` (object), ``judged`` (how many
    values), ``failed``, ``warned``, ``missing``, and ``text``.
    """

    device = models.ForeignKey(Device, on_delete=models.PROTECT, related_name="verdicts")
    stage = models.CharField(_("stage"), max_length=50)
    limit_set = models.ForeignKey(LimitSet, on_delete=models.PROTECT, related_name="+")
    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="verdicts")
    outcome = models.CharField(_("verdict"), max_length=10, choices=Outcome)
    details = models.JSONField(default=list)
    judged_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("verdict")
        constraints = [
            models.UniqueConstraint(
                fields=["device", "analysis", "limit_set"], name="testing_verdict_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.device}: {self.get_outcome_display()}"


class Waiver(models.Model):
    """A person takes a device in spite of its verdict, with a reason."""

    verdict = models.OneToOneField(Verdict, on_delete=models.CASCADE, related_name="waiver")
    reason = models.TextField(_("reason"))
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    granted_at = models.DateTimeField(default=timezone.now)
    expires_on = models.DateField(_("holds until"), null=True, blank=True)

    class Meta:
        verbose_name = _("waiver")

    def __str__(self) -> str:
        return self.reason[:60]

    @property
    def holds(self) -> bool:
        """Whether its last day is not past (UTC)."""
        return self.expires_on is None or self.expires_on >= timezone.now().date()


class SignOff(models.Model):
    """A person has looked at a device's verdicts and stands for them, whatever comes later."""

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="sign_offs")
    outcomes = models.JSONField(default=dict, help_text=_("Stage -> verdict, as it was."))
    note = models.TextField(_("note"), blank=True)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL)
    signed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("sign-off")

    def __str__(self) -> str:
        return f"{self.device}, {self.signed_at:%Y-%m-%d}"


class Standing(models.Model):
    """What counts for a device at a stage now: the analysis, and the verdict once there is one.

    One small row a device and stage, so that lists, dashboards and device pages need not search.
    """

    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="standings")
    stage = models.CharField(_("stage"), max_length=50)
    analysis = models.ForeignKey(Analysis, on_delete=models.PROTECT, related_name="+")
    verdict = models.ForeignKey(
        Verdict, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    outcome = models.CharField(_("verdict"), max_length=10, choices=Outcome, blank=True, default="")
    changed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("standing")
        constraints = [
            models.UniqueConstraint(fields=["device", "stage"], name="testing_standing_unique")
        ]
        indexes = [models.Index(fields=["stage", "outcome", "device"], name="testing_standing_by")]

    def __str__(self) -> str:
        return f"{self.device} {self.stage}: {self.outcome or '?'}"
