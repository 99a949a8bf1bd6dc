"""What the API keeps: answers, so that a request that comes twice is done once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils import timezone

from mppcqa.people.models import PersonToken


class KeptAnswer(models.Model):
    """What was answered to a request with a key of its own."""

    token = models.ForeignKey(PersonToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=100)
    asked = models.CharField(max_length=64)
    """SHA-256 of method, address and body."""
    status = models.PositiveSmallIntegerField(default=0)
    body = models.TextField(blank=True)
    made_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        ordering: ClassVar = ["id"]
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="api_key_once")]

    def __str__(self) -> str:
        return f"{self.key}: {self.status}"
