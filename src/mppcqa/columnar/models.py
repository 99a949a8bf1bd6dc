"""Questions that people keep."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


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
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("workbench_question", args=[self.pk])
