"""What people are told, in the pages and besides."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.queue.rows import Row


class Notice(Row):
    """Tells a person something: of a task of theirs, or what they asked to be told."""

    class Way(models.TextChoices):
        """How it is told besides in the pages."""

        PAGE = "page", _("in the pages")
        MAIL = "mail", _("by mail at once")
        DIGEST = "digest", _("by mail once a day")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="task_notices"
    )
    task = models.ForeignKey(
        "queue.Task", null=True, blank=True, on_delete=models.CASCADE, related_name="notices"
    )
    """None where it is of no task."""
    link = models.CharField(max_length=200, blank=True, default="")
    """Path of the page that it is about; of a task's its own page."""
    key = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    """Names what happened, so that nobody is told twice; None of a task's."""
    way = models.CharField(max_length=10, choices=Way, default=Way.PAGE)
    mailed_at = models.DateTimeField(null=True, blank=True)
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=500)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes = [models.Index(fields=["way", "mailed_at"], name="queue_notice_due")]
        constraints = [models.UniqueConstraint(fields=["user", "key"], name="queue_notice_once")]

    def __str__(self) -> str:
        return self.text

    def get_absolute_url(self) -> str:
        return self.link or (reverse("task", args=[self.task_id]) if self.task_id else "")
