"""How a stage is done: versioned instructions with pictures, and who was shown how.

No version is ever changed: a run keeps the one that was in use when it began.
"""

from __future__ import annotations

import datetime as dt
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _


class Procedure(models.Model):
    """A version of the instructions for a stage; the latest is in use."""

    stage = models.CharField(_("stage"), max_length=50)
    version = models.PositiveIntegerField(_("version"))
    text_en = models.TextField(_("instructions in English"), blank=True)
    text_es = models.TextField(_("instructions in Spanish"), blank=True)
    estimate_min = models.PositiveIntegerField(
        _("time that it takes [min]"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(100_000)],
        help_text=_("From the start of a run to its end; empty where nobody knows yet."),
    )
    note = models.CharField(_("what changed"), max_length=300, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["stage", "-version"]
        verbose_name = _("procedure")
        constraints = [
            models.UniqueConstraint(fields=["stage", "version"], name="runs_procedure_once")
        ]

    def __str__(self) -> str:
        return f"{self.stage} {self.version}"

    def get_absolute_url(self) -> str:
        return f"{reverse('procedure', args=[self.stage])}?version={self.version}"

    @property
    def text(self) -> str:
        """In the reader's language; in the other where it was not written in that."""
        spanish = (get_language() or "").startswith("es")
        first, second = (self.text_es, self.text_en) if spanish else (self.text_en, self.text_es)
        return first or second


class ProcedurePicture(models.Model):
    """A picture that the instructions of a stage may show by its number; never changed."""

    stage = models.CharField(_("stage"), max_length=50)
    number = models.PositiveIntegerField()
    file = models.FileField(max_length=200)
    sha256 = models.CharField(max_length=64)
    original_name = models.CharField(max_length=200)
    told = models.CharField(_("what it shows"), max_length=200)
    """Read out where the picture is not seen."""
    added_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering: ClassVar = ["stage", "number"]
        verbose_name = _("picture of a procedure")
        constraints = [
            models.UniqueConstraint(fields=["stage", "number"], name="runs_picture_once")
        ]

    def __str__(self) -> str:
        return self.original_name


class Training(models.Model):
    """That a person was shown how a procedure is done; withdrawn where it was a mistake."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("person"),
        on_delete=models.CASCADE,
        related_name="trainings",
    )
    procedure = models.ForeignKey(
        Procedure, verbose_name=_("procedure"), on_delete=models.PROTECT, related_name="trainings"
    )
    done_on = models.DateField(_("trained on"))
    valid_until = models.DateField(_("valid until"), null=True, blank=True)
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
        verbose_name = _("training")

    def __str__(self) -> str:
        return f"{self.person}, {self.procedure}"

    def counts_on(self, day: dt.date) -> bool:
        """Whether the person counts as trained on a day by this."""
        return (
            self.withdrawn_at is None
            and self.done_on <= day
            and (self.valid_until is None or day <= self.valid_until)
        )
