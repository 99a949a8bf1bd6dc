"""What the pages themselves keep."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SharedCache(models.Model):
    """Rows of Django's database cache: what all web processes must know for some minutes."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "web_shared_cache"

    def __str__(self) -> str:
        return self.cache_key


class LastSave(models.Model):
    """Who saved a thing last by a form, for who finds it changed."""

    kind = models.CharField(max_length=100)
    key = models.CharField(max_length=64)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    at = models.DateTimeField(auto_now=True)
    state = models.CharField(max_length=16)
    """Digest of what it was then: what changed it later was no form."""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["kind", "key"], name="web_last_save_once")]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"
