"""What was asked to come in and to go out, and how columns are understood."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.exchange.hooks.models import Delivery, Webhook  # noqa: F401  (tables of this room)
from mppcqa.exchange.telling.models import Subscription  # noqa: F401


def export_storage() -> Storage:
    """Where exports lie; no backup has them."""
    return storages["exports"]


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


class ForeignMapping(models.Model):
    """How files of another program are read; used again by its name."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    document = models.JSONField(_("mapping"), default=dict)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name"]
        verbose_name = _("mapping of foreign files")

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
    box = models.CharField(
        _("box of the delivery"),
        max_length=64,
        blank=True,
        db_index=True,
        help_text=_("What is scanned of the box that the maker's sheet belongs to."),
    )
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
    found = models.JSONField(default=dict)
    """Counts, notes, and the first faults of the last check."""
    faults = models.PositiveIntegerField(_("faults"), default=0)
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(
        "runs.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
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
        """Where its file, its checked values and its list of faults lie.

        A database that was restored gives numbers again: the time tells its folder from that of
        the import which had the number before.
        """
        name = f"{self.pk}-{self.asked_at:%Y%m%dT%H%M%S%f}"
        return Path(settings.MPPCQA_HOME) / "imports" / name

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
    file = models.FileField(max_length=200, storage=export_storage, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL
    )
    asked_at = models.DateTimeField(_("asked for"), default=timezone.now)
    removed: Sequence[str] = ()
    """Names of older exports that made room for it; known to whoever asked, and not stored."""

    class Meta:
        ordering: ClassVar = ["-id"]
        verbose_name = _("export")

    def __str__(self) -> str:
        return self.filename

    @property
    def filename(self) -> str:
        from mppcqa.exchange.writers import writers

        known = writers().get(self.form)
        suffix = self.form if known is None else known.suffix
        return f"{self.what}-{self.asked_at:%Y%m%d-%H%M%S}.{suffix}"


class Batch(models.Model):
    """Measured files of a folder or archive, on their way to their devices."""

    class State(models.TextChoices):
        NEW = "new", _("to be looked at")
        ON = "on", _("being taken in")
        DONE = "done", _("taken in")

    source = models.CharField(max_length=1000)
    """Folder or archive on the server's disk."""
    name = models.CharField(_("name"), max_length=200)
    asked = models.JSONField(default=dict)
    """Pattern of names, mapping, conditions that files do not say, what is allowed."""
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.NEW)
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
        verbose_name = _("batch of files")

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("batch", args=[self.pk])

    def counts(self) -> dict[str, int]:
        """Files by what became of them, devices, runs."""
        rows = self.files.values_list("state").annotate(n=models.Count("pk")).order_by()
        found = dict.fromkeys(BatchFile.State.values, 0) | dict(rows)
        taken = self.files.filter(state=BatchFile.State.TAKEN)
        found["files"] = self.files.values("name").distinct().count()
        found["devices"] = taken.values("device").distinct().count()
        found["runs"] = taken.values("run").distinct().count()
        return found


class BatchFile(models.Model):
    """One file of a batch, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("taken in")
        TWICE = "twice", _("there already")
        REFUSED = "refused", _("not taken in")

    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(_("file"), max_length=400)
    part = models.CharField(max_length=100, blank=True, default="", db_default="")
    """Serial number of the device that it is of, where a file holds several: a row each."""
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    device = models.ForeignKey(
        "inventory.Device", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run = models.ForeignKey(
        "runs.Run", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    why = models.JSONField(default=list)
    """Reasons why it was not taken in, a line each."""

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["batch", "name", "part"], name="part_of_batch_once")
        ]
        indexes: ClassVar = [models.Index(fields=["batch", "state"], name="file_of_batch_state")]
        verbose_name = _("file of a batch")

    def __str__(self) -> str:
        return self.name


class PartnerTable(models.Model):
    """A table of the partner's database as it stands; it goes out again as it came."""

    name = models.CharField(max_length=64, unique=True)
    columns = models.JSONField(default=list)
    rows = models.JSONField(default=list)
    """Cells of each row as a dump writes them."""
    definition = models.TextField(blank=True)
    taken_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("table of the partner")

    def __str__(self) -> str:
        return self.name
