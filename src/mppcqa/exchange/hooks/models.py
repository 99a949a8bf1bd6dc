"""Who is told of what, and what was told. These rows are the truth; a task only carries them."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mppcqa.inventory.scope import Viewer, scope_of

RIGHT = "exchange.add_webhook"
"""Who has it makes webhooks; whoever loses it is told nothing more by them."""


class HookQuerySet(models.QuerySet["Webhook"]):
    """Webhooks: a person's own, and all of them for an administrator who sees all devices."""

    def visible_to(self, viewer: Viewer) -> Self:
        """Those that a person keeps; all for None, the program itself."""
        everything = getattr(viewer, "is_superuser", False) and not scope_of(viewer).bound
        if viewer is None or everything:
            return self
        return self.filter(owner=viewer.pk)


class Webhook(models.Model):
    """An address that is told of events, as far as its owner sees what they are about."""

    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("owner"),
        on_delete=models.CASCADE,
        related_name="webhooks",
    )
    title = models.CharField(_("name"), max_length=100)
    url = models.CharField(_("address"), max_length=500)
    events = models.JSONField(_("events"), default=list)
    """Keys of `mppcqa.exchange.hooks.events.EVENTS`."""
    active = models.BooleanField(_("in use"), default=True)
    generation = models.PositiveIntegerField(default=0)
    """Counts its secrets: each is derived from this number, and none is kept."""
    renewed_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    failures = models.PositiveIntegerField(default=0)
    """Tries without an answer in a row."""
    paused_until = models.DateTimeField(null=True, blank=True)
    """It gave no answer: nothing is sent before."""
    taken_at = models.DateTimeField(_("last taken"), null=True, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)
    off_why = models.CharField(max_length=300, blank=True, default="")
    """Why the program switched it off; empty where a person did."""

    objects = HookQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["title", "id"]
        verbose_name = _("webhook")

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("hook", args=[self.pk])


class Delivery(models.Model):
    """One thing that one webhook is told, however often it takes."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        TAKEN = "taken", _("taken")
        GIVEN_UP = "given_up", _("given up")
        WITHHELD = "withheld", _("withheld")

    hook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="deliveries")
    uuid = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    """Its receiver tells doubles by it: the same over all tries."""
    event = models.CharField(_("event"), max_length=50)
    key = models.CharField(max_length=200)
    """Names what happened, so that nobody is told twice who happens to look twice."""
    scope = models.CharField(max_length=50, blank=True, default="")
    """What its owner was bound to when it was written."""
    body = models.TextField(_("body"))
    made_at = models.DateTimeField(_("when"), default=timezone.now)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_at = models.DateTimeField(null=True, blank=True, default=timezone.now)
    """When it is sent next; later by a lease while somebody sends it."""
    last_at = models.DateTimeField(_("last try"), null=True, blank=True)
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    """Of the last answer; None where none came."""
    answer = models.CharField(_("answer"), max_length=1000, blank=True, default="")

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["hook", "key"], name="delivery_once")
        ]
        indexes: ClassVar = [
            models.Index(fields=["state", "next_at"], name="delivery_due"),
            models.Index(fields=["key"], name="delivery_key"),
        ]
        verbose_name = _("delivery")

    def __str__(self) -> str:
        return f"{self.event} {self.uuid}"


def scope_text(viewer: Any) -> str:
    """What a person is bound to, as a delivery keeps it."""
    scope = scope_of(viewer)
    return f"{scope.owner or ''}/{scope.campaign or ''}"
