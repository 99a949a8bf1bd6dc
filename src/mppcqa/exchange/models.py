"""What was asked to come in and to go out, and how columns are understood."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Kind(models.TextChoices):
    """What the rows of a table are."""

    DEVICES = "devices", _("devices and maker's data")
    VALUES = "values", _("measurements")


class SavedMapping(models.Model):
    """A mapping of columns under a name, for the next file of the same kind."""

    name = models.CharField(_("name"), max_length=100, unique=True)
    kind = models.CharField(_("rows are"), max_length=10, choices=Kind)
    content = models.JSONField(default=dict)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("mapping of columns")

    def __str__(self) -> str:
        return self.name


class Import(models.Model):
    """A file on its way in: uploaded, mapped, checked, and imported when somebody asks for it."""

    class State(models.TextChoices):
        NEW = "new", _("columns to be mapped")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        IMPORTING = "importing", _("being imported")
        DONE = "done", _("imported")
        FAILED = "failed", _("not imported")

    class Existing(models.TextChoices):
        REFUSE = "refuse", _("is a fault")
        SKIP = "skip", _("is left as it is")
        UPDATE = "update", _("is updated")

    kind = models.CharField(_("rows are"), max_length=10, choices=Kind)
    stage = models.CharField(_("stage"), max_length=50, blank=True)
    original_name = models.CharField(_("file"), max_length=200)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64)
    reading = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)
    existing = models.CharField(
        _("what is there already"), max_length=10, choices=Existing, default=Existing.REFUSE
    )
    counts_now = models.BooleanField(_("values count from now on"), default=True)
    leave_out = models.BooleanField(_("leave out rows with faults"), default=False)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    found = models.JSONField(default=dict)
    """Counts, notes, and the first faults of the last check."""
    faults = models.PositiveIntegerField(_("faults"), default=0)
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(
        "testing.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    done_at = models.DateTimeField(_("imported"), null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("import")

    def __str__(self) -> str:
        return self.original_name

    def get_absolute_url(self) -> str:
        return reverse("import", args=[self.pk])

    @property
    def folder(self) -> Path:
        """Where its file, its checked values and its list of faults lie."""
        return Path(settings.MPPCQA_HOME) / "imports" / str(self.pk)

    @property
    def path(self) -> Path:
        return self.folder / "table"

    @property
    def faults_path(self) -> Path:
        return self.folder / "faults.csv"

    @property
    def spool_path(self) -> Path:
        return self.folder / "values.arrow"


class Export(models.Model):
    """A list that was asked for as a file."""

    what = models.CharField(_("list"), max_length=10)
    form = models.CharField(_("format"), max_length=10)
    filters = models.JSONField(default=dict)
    rows = models.BigIntegerField(_("rows"), null=True, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("export")

    def __str__(self) -> str:
        return self.filename

    @property
    def filename(self) -> str:
        suffix = {"excel": "xlsx"}.get(self.form, self.form)
        return f"{self.what}-{self.asked_at:%Y%m%d-%H%M%S}.{suffix}"

    @property
    def path(self) -> Path:
        return Path(settings.MPPCQA_HOME) / "exports" / f"{self.pk}-{self.filename}"
