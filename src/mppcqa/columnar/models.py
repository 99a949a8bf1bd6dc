"""Questions that people keep."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from mppcqa.retold import retold

OFFERED = (
    gettext_noop("%(stage)s: %(quantity)s by lot"),
    gettext_noop("%(stage)s: %(quantity)s by station, week for week"),
)
"""Names that we give; kept in English."""


class SavedQuestion(models.Model):
    """A question under a name, as its address asks it; its owner's alone, or everybody's."""

    name = models.CharField(_("name"), max_length=100)
    asked = models.TextField()
    """The part of the address behind the question mark."""
    shared = models.BooleanField(_("for everybody"), default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_questions"
    )
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering: ClassVar = ["name", "id"]
        verbose_name = _("saved question")

    def __str__(self) -> str:
        return self.in_words

    def get_absolute_url(self) -> str:
        return reverse("workbench_question", args=[self.pk])

    @property
    def in_words(self) -> str:
        """The name; one that we gave in the reader's language."""
        return retold(self.name, OFFERED)


class Tile(models.Model):
    """A kept question on a person's dashboard."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="dashboard"
    )
    question = models.ForeignKey(SavedQuestion, on_delete=models.CASCADE, related_name="tiles")
    place = models.PositiveIntegerField(default=0)
    """Ascending from the first; those of one place stand in the order of their ids."""

    class Meta:
        ordering: ClassVar = ["place", "id"]
        constraints = [
            models.UniqueConstraint(fields=["user", "question"], name="columnar_tile_once")
        ]
        verbose_name = _("part of a dashboard")

    def __str__(self) -> str:
        return f"{self.user}: {self.question}"
