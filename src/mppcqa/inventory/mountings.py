"""The rows that say what was part of what, and where in it; `assembly` writes them."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mppcqa.database.identity import uuid_field
from mppcqa.inventory.scope import Scope, ScopedQuerySet

PLACE = ("module", "row", "col", "pos", "bias_channel")
"""Where in a whole a part is: module and side (where the module has no serial number here), row,
column, position on the board, and the bias channel that it shares."""


def place_text(place: dict[str, str]) -> str:
    """A place in words."""
    names = {
        "module": _("module"),
        "row": _("row"),
        "col": _("column"),
        "pos": _("position"),
        "bias_channel": _("bias channel"),
    }
    return ", ".join(f"{names.get(key, key)} {text}" for key, text in place.items())


class OfPartAndWhole(ScopedQuerySet["Mounting"]):
    """Mountings: seen by who sees both the part and the whole."""

    before = "part__"

    def _within(self, scope: Scope) -> Self:
        seen = models.Q(whole=None) | models.Q(**scope.keys("whole__"))
        return super()._within(scope).filter(seen)


class Mounting(models.Model):
    """A device was part of another, at a place, from a day on and up to a day.

    The day of `since` belongs to it, that of `until` to what came after. What has no end holds now:
    `Device.parent` and `Device.installed` say the same.
    """

    uuid = uuid_field()
    part = models.ForeignKey("inventory.Device", on_delete=models.CASCADE, related_name="mountings")
    whole = models.ForeignKey(
        "inventory.Device",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="held",
    )
    """None where it has no serial number here, and the place alone names it."""
    place = models.JSONField(default=dict, blank=True)
    """Keys of `PLACE`, as texts."""
    since = models.DateField(gettext_lazy("from"), null=True, blank=True)
    """None where nobody knows."""
    until = models.DateField(gettext_lazy("to"), null=True, blank=True)
    why = models.CharField(gettext_lazy("reason"), max_length=300, blank=True, default="")
    told_at = models.DateTimeField(default=timezone.now)
    told_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    ended_at = models.DateTimeField(null=True, blank=True)
    """When its end was told."""
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    objects = OfPartAndWhole.as_manager()

    class Meta:
        ordering: ClassVar[list[Any]] = ["part", "since", "id"]
        verbose_name = gettext_lazy("mounting")

    def __str__(self) -> str:
        return f"{self.part_id} in {self.whole_id}: {place_text(self.place)}"
